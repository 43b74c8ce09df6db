"""The fusion network: one encoder for every modality, learned fusion at each scale, one decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ModalityModulation, PlainBlock, ResidualBlock, depth_to_space, depth_to_space_into, space_to_depth
from .config import CROSS_SCALES, DEFORMED_SCALE, NetworkConfig
from .context import ContextScale
from .cross_scale_attention import CrossScaleAttention
from .deformable_attention import DeformableAttention
from .fusion import fusion_layer
from .heads import DeepSupervision
from .inputs import check_inputs, cropped, is_exporting, pad_to_stride, spacing_of
from .outputs import CoarseOutput as CoarseOutput
from .outputs import FusionOutput as FusionOutput
from .size_gate import SizeGate

ENCODER = ("stem", "down", "modulate", "encode", "context")
"""Parts that see one modality at a time."""

DECODER = ("up", "decode")
"""Parts that see the fused modalities and know nothing of classes."""

AT_ONCE = 4
"""Classes whose logits are computed together where memory counts."""

SUPERVISED = slice(1, 3)
"""The scales of deep supervision: strides 4 and 8."""


class FusionNet(nn.Module):
    """Segment from any non-empty set of modalities.

    The trunk works at half the input resolution (space-to-depth in, depth-to-space out). Modalities are folded into
    the batch, share all weights and are told apart by :class:`.blocks.ModalityModulation`; only present ones are
    computed. Then they look at each other, are fused at each scale, and decoded as one.

    Sides that are no multiples of the stride are padded, and the answer is cropped back.

    Args:
        config: every choice; see :func:`.config.teacher`, :func:`.config.student`, :func:`.config.variant`.

    Raises:
        ValueError: inputs that cannot be answered (see :func:`.inputs.check_inputs`).

    Shapes:
        images (B, M, D, H, W) normalized intensities; present (B, M) bool; modality (B, M) int64 family indices;
        spacing (3,) mm per voxel in (k, j, i) order, or None for the usual one -> :class:`.outputs.FusionOutput`.

    Example:
        >>> import torch
        >>> from MultimodalSegLib.networks.config import student
        >>> from MultimodalSegLib.networks.fusion_net import FusionNet
        >>> network = FusionNet(student(families=2, classes=27)).eval()
        >>> images, present = torch.randn(1, 2, 64, 64, 64), torch.tensor([[True, True]])
        >>> with torch.inference_mode():
        ...     output = network(images, present, torch.tensor([[0, 1]]))
        >>> tuple(output.structures.shape)
        (1, 27, 64, 64, 64)
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        widths, families = config.widths, config.families
        self.channels = [config.classes, int(config.side), int(config.lesion)]
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.stem = nn.Conv3d(8, widths[0], 3, padding=1)
        self.down = nn.ModuleList([nn.Identity(), *(nn.Conv3d(i, o, 2, stride=2) for i, o in pairs)])
        self.modulate = nn.ModuleList(ModalityModulation(families, w) for w in widths)
        plain = config.encoder == "swin"
        self.encode = nn.ModuleList(PlainBlock(w) if plain else ResidualBlock(w, w) for w in widths)
        self.fuse = nn.ModuleList(fusion_layer(config, w) for w in widths)
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decode = nn.ModuleList(ResidualBlock(2 * fine, fine) for fine, _ in pairs)
        self.head = nn.Conv3d(widths[0], 8 * sum(self.channels), 1)
        self.presence = nn.Linear(2 * widths[-1], 1) if config.lesion else None
        self.context = None if config.encoder == "cnn" else context_path(config)
        self.cross = cross_scale_attention(config) if config.cross_scale else None
        self.deform = deformable_attention(config) if config.deformable else None
        self.coarse = DeepSupervision(widths[SUPERVISED], *self.channels) if config.deep_supervision else None
        self.gate = SizeGate(widths[0]) if config.size_gate else None

    def forward(
        self,
        images: Tensor,
        present: Tensor,
        modality: Tensor,
        spacing: Tensor | tuple[float, ...] | None = None,
    ) -> FusionOutput:
        decoded, presence, weights = self.decoded(images, present, modality, spacing)
        sides = tuple(images.shape[2:])
        logits = cropped(self._logits(decoded[0]), sides, 1)
        structures, side, lesion = logits.split(self.channels, dim=1)
        return FusionOutput(structures, side, lesion, presence, weights, self._deep(decoded, sides))

    def decoded(
        self, images: Tensor, present: Tensor, modality: Tensor, spacing: Tensor | tuple[float, ...] | None = None
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Everything before the heads, for the same inputs.

        Returns:
            Features (B, C, d, h, w) of the decoder at each scale of the padded volume, finest first, as the heads read
            them; the presence logit; the fusion weights.
        """
        if not is_exporting(images):
            check_inputs(images, present, modality, self.config.families)
        sides = tuple(images.shape[2:])
        scales = self._encode(pad_to_stride(images, self.config.stride), present, modality)
        scales = self._meet(scales, present, spacing_of(spacing, self.config.spacing, images))
        mixed = [fuse(f, present, modality) for fuse, f in zip(self.fuse, scales, strict=True)]
        del scales  # the largest features; the decoder needs their memory
        fused, weights = [m[0] for m in mixed], mixed[min(2, len(mixed) - 1)][1]
        decoded = self._decode(fused)
        if self.gate is not None and self.coarse is not None:
            decoded[0] = self.gate(decoded[0], self.coarse.stride4.lesion_logits(decoded[1]))
        return decoded, self._presence(fused[-1]), cropped(weights, sides, 2 ** min(3, len(fused)))

    def features(self, images: Tensor, present: Tensor, modality: Tensor) -> list[Tensor]:
        """What the encoder makes of each modality by itself, without fusion and decoder.

        Args:
            images: (B, M, D, H, W) normalized; sides that are no multiples of the stride are padded.
            present: (B, M) bool.
            modality: (B, M) int64 family indices.

        Returns:
            Features (B, M, C, d, h, w) at strides 2, 4, 8, ... of the padded sides, zeros where a modality is absent.

        Raises:
            ValueError: inputs that cannot be answered.
        """
        check_inputs(images, present, modality, self.config.families)
        return self._encode(pad_to_stride(images, self.config.stride), present, modality)

    def _encode(self, images: Tensor, present: Tensor, modality: Tensor) -> list[Tensor]:
        """Features (B, M, C, d, h, w) at each scale; absent modalities are zeros that no one reads."""
        if is_exporting(images):  # a fixed number of volumes: absent ones are computed too, from nothing
            blank = ~present[:, :, None, None, None]
            images, modality = images.masked_fill(blank, 0), modality.masked_fill(~present, 0)
            x, family = images.flatten(0, 1)[:, None], modality.flatten()
        else:
            x, family = images[present][:, None], modality[present]
        x, tokens, scales = self.stem(space_to_depth(x)), None, []
        for n, (down, modulate, encode) in enumerate(zip(self.down, self.modulate, self.encode, strict=True)):
            x = encode(modulate(down(x), family))
            if self.context is not None and n >= self.config.swin_from:
                x, tokens = self.context[n - self.config.swin_from](x, tokens)
            scales.append(unfolded(x, present))
        return scales

    def _meet(self, scales: list[Tensor], present: Tensor, spacing: Tensor) -> list[Tensor]:
        """Let modalities look at each other before they are fused."""
        scales = list(scales)
        if self.cross is not None:
            count = len(self.cross.strides)
            scales = [*scales[:-count], *self.cross(scales[-count:], present, spacing)]
        if self.deform is not None:
            scales[DEFORMED_SCALE] = self.deform(scales[DEFORMED_SCALE], present)
        return scales

    def _decode(self, fused: list[Tensor]) -> list[Tensor]:
        """Features (B, C, d, h, w) of the decoder at each scale, finest first; the coarsest are the fused ones."""
        decoded = [fused[-1]]
        for level in reversed(range(len(self.up))):
            x = torch.cat([self.up[level](decoded[0]), fused[level]], dim=1)
            decoded.insert(0, self.decode[level](x))
        return decoded

    def _logits(self, finest: Tensor) -> Tensor:
        """The head's answer (B, C, D, H, W) of full size; a few classes at a time where no gradient needs them all.

        What the head gives and the same with its voxels in order take a quarter of a gigabyte each for a head of 1 mm.
        """
        if torch.is_grad_enabled() or is_exporting(finest):
            return depth_to_space(self.head(finest))
        shape = [len(finest), sum(self.channels), *(2 * n for n in finest.shape[2:])]
        logits: Tensor | None = None
        for first in range(0, shape[1], AT_ONCE):
            some = slice(8 * first, 8 * (first + AT_ONCE))
            part = F.conv3d(finest, self.head.weight[some], self.head.bias[some])  # type: ignore[index]
            logits = part.new_empty(shape) if logits is None else logits
            depth_to_space_into(part, logits[:, first : first + AT_ONCE])
        assert logits is not None
        return logits

    def _presence(self, coarsest: Tensor) -> Tensor:
        if self.presence is None:
            return coarsest.new_zeros(0)
        pooled = torch.cat([coarsest.mean((2, 3, 4)), coarsest.amax((2, 3, 4))], dim=1)
        logit: Tensor = self.presence(pooled).squeeze(1)
        return logit

    def _deep(self, decoded: list[Tensor], sides: tuple[int, ...]) -> tuple[CoarseOutput, ...]:
        if self.coarse is None or not self.training:
            return ()
        outputs = zip((4, 8), self.coarse(decoded[SUPERVISED]), strict=True)
        return tuple(CoarseOutput(*(cropped(part, sides, stride) for part in output)) for stride, output in outputs)


def unfolded(x: Tensor, present: Tensor) -> Tensor:
    """Features of the computed modalities (n, C, d, h, w) as (B, M, C, d, h, w), zeros where a modality is absent."""
    if is_exporting(x) or bool(present.all()):
        return x.reshape(*present.shape, *x.shape[1:])
    full = x.new_zeros(*present.shape, *x.shape[1:])
    full[present] = x
    return full


def context_path(config: NetworkConfig) -> nn.ModuleList:
    """The path of tokens from its first scale on; their width doubles at each."""
    path = nn.ModuleList()
    for n, channels in enumerate(config.widths[config.swin_from :]):
        width = config.swin_width * 2**n
        path.append(ContextScale(channels, width, width // config.head_width, config.swin_window, first=n == 0))
    return path


def cross_scale_attention(config: NetworkConfig) -> CrossScaleAttention:
    """Attention between modalities at the coarsest scales."""
    widths = config.widths[-CROSS_SCALES:]
    strides = [2 ** (n + 1) for n in range(len(config.widths))][-CROSS_SCALES:]
    heads = config.cross_width // config.head_width
    return CrossScaleAttention(widths, strides, config.cross_width, heads, config.radius_mm)


def deformable_attention(config: NetworkConfig) -> DeformableAttention:
    """Sampling at learned places at stride 8."""
    channels = config.widths[DEFORMED_SCALE]
    return DeformableAttention(channels, channels // config.head_width)
