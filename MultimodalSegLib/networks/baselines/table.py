"""The published networks that the fusion network is compared with, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.networks.nets import (
    BasicUNet,
    BasicUNetPlusPlus,
    DynUNet,
    FlexibleUNet,
    MedNeXtS,
    SegResNet,
    SwinUNETR,
)
from torch import Tensor, nn

from ..early_fusion import EarlyFusion
from .residual_encoder import ResidualEncoderUNet
from .transunet import TransUNet

NNUNET_WIDTHS = (32, 64, 128, 256, 320, 320)

Builder = Callable[[int, int], nn.Module]
"""Takes the numbers of input and output channels."""


class UNetPlusPlus(BasicUNetPlusPlus):
    """MONAI's U-Net++ without the heads of its inner decoders, which are for deep supervision; one map as answer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.final_conv_0_1 = self.final_conv_0_2 = self.final_conv_0_3 = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[-1]


def _unet(inputs: int, outputs: int) -> nn.Module:
    return BasicUNet(3, inputs, outputs, features=(32, 32, 64, 128, 256, 32))


def _unet_plus_plus(inputs: int, outputs: int) -> nn.Module:
    return UNetPlusPlus(3, inputs, outputs, features=(32, 32, 64, 128, 256, 32))


def _resnet50(inputs: int, outputs: int) -> nn.Module:
    return FlexibleUNet(inputs, outputs, "resnet50", spatial_dims=3)


def _efficientnet_b7(inputs: int, outputs: int) -> nn.Module:
    return FlexibleUNet(inputs, outputs, "efficientnet-b7", spatial_dims=3)


def _dynunet(inputs: int, outputs: int) -> nn.Module:
    strides = [1] + [2] * (len(NNUNET_WIDTHS) - 1)
    kernels = [3] * len(NNUNET_WIDTHS)
    return DynUNet(3, inputs, outputs, kernels, strides, upsample_kernel_size=strides[1:], filters=NNUNET_WIDTHS)


def _segresnet(inputs: int, outputs: int) -> nn.Module:
    return SegResNet(3, init_filters=32, in_channels=inputs, out_channels=outputs)


def _swinunetr(inputs: int, outputs: int) -> nn.Module:
    return SwinUNETR(inputs, outputs, feature_size=48)


def _mednext(inputs: int, outputs: int) -> nn.Module:
    return MedNeXtS(spatial_dims=3, in_channels=inputs, out_channels=outputs)


BASELINES: dict[str, tuple[Builder, int]] = {
    "unet": (_unet, 16),
    "unet-plus-plus": (_unet_plus_plus, 16),
    "resnet50": (_resnet50, 32),
    "transunet": (TransUNet, 16),
    "efficientnet-b7": (_efficientnet_b7, 32),
    "dynunet": (_dynunet, 32),
    "resenc": (ResidualEncoderUNet, 32),
    "segresnet": (_segresnet, 8),
    "swinunetr": (_swinunetr, 32),
    "mednext": (_mednext, 16),
}
"""How to build each backbone, and the number of voxels of which its sides are multiples.

Sizes are those of the papers: 3D U-Net (Cicek et al. 2016) and U-Net++ (Zhou et al. 2018) with 32 to 256 channels,
ResNet-50 (He et al. 2016) and EfficientNet-B7 (Tan and Le 2019) as encoders of a U-Net, nnU-Net's full-resolution plan
(Isensee et al. 2021) and its ResEnc L plan (2024), SegResNet (Myronenko 2018), Swin UNETR (Hatamizadeh et al. 2022)
with 48 features, MedNeXt-S (Roy et al. 2023) with kernel 3. All start from random weights.
"""


def build_baseline(name: str, families: int, classes: int) -> EarlyFusion:
    """An untrained baseline behind the call of the fusion network.

    Args:
        name: a key of :data:`BASELINES`.
        families: number of modality families.
        classes: K, structures with background.

    Raises:
        ValueError: no baseline has this name.
    """
    if name not in BASELINES:
        raise ValueError(f"Unknown network {name!r}; the baselines are {', '.join(BASELINES)}.")
    builder, stride = BASELINES[name]
    return EarlyFusion(builder(2 * families, classes + 2), families, classes, stride)
