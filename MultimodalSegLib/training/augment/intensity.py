"""Contrast, noise, coil shading and resolution, drawn for each modality by itself."""

from __future__ import annotations

from monai.data import MetaTensor
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandBiasFieldd,
    RandGaussianNoised,
    RandSimulateLowResolutiond,
)
from torch import Tensor

from .settings import Augmentation

KEY = "image"


class IntensityChange:
    """MONAI's random intensity transforms on one normalized image.

    Args:
        settings: chances and amounts.
        shading: whether a coil shading belongs to this kind of image; a CT has none.

    Example:
        >>> change = IntensityChange(Augmentation(), shading=True)
        >>> change(torch.zeros(8, 8, 8), seed=3).shape
        torch.Size([8, 8, 8])
    """

    def __init__(self, settings: Augmentation, *, shading: bool) -> None:
        # in the order in which a scanner makes them
        transforms = [
            RandAdjustContrastd(KEY, prob=settings.gamma_chance, gamma=settings.gamma),
            RandBiasFieldd(KEY, prob=settings.bias_chance * shading, coeff_range=(0.0, settings.bias)),
            RandSimulateLowResolutiond(KEY, prob=settings.blur_chance, zoom_range=(settings.blur, 1.0)),
            RandGaussianNoised(KEY, prob=settings.noise_chance, std=settings.noise),
        ]
        self.transforms = Compose(transforms)

    def __call__(self, image: Tensor, seed: int) -> Tensor:
        """The changed image, (D, H, W) float32.

        Args:
            image: (D, H, W) float32.
            seed: 0 to 2^32 - 1; the same one does the same.
        """
        self.transforms.set_random_state(seed=seed)
        low = image.min()
        # the shading multiplies, which only makes sense for intensities from 0
        changed = self.transforms({KEY: (image - low)[None]})[KEY][0]
        plain: Tensor = changed.as_tensor() if isinstance(changed, MetaTensor) else changed  # MONAI's slows every step
        return plain.float() + low
