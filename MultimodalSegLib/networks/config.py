"""Every choice of the fusion network in one place: the teacher, the student, and what is replaced to study it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

CROSS_SCALES = 2
"""So many of the coarsest scales take part in attention between modalities."""

DEFORMED_SCALE = 2
"""Index of the scale that is sampled deformably and whose fusion weights are read out: stride 8."""


@dataclass(frozen=True)
class NetworkConfig:
    """What :class:`.fusion_net.FusionNet` is built from. The defaults are the network of the model of version 0.1.0.

    Args:
        families: number of modality families (CT, MR, ...).
        classes: K, structures with background.
        widths: channels at strides 2, 4, 8, ... of the input.
        encoder: convolutions beside shifted windows (``"dual"``), or one of the two alone (``"cnn"``, ``"swin"``).
        swin_from: index of the first scale with shifted windows.
        swin_width: channels of the tokens there; doubled at every coarser scale.
        swin_window: tokens along a window's edge.
        head_width: channels of one head of any attention.
        cross_scale: attention between modalities at the two coarsest scales.
        cross_width: channels of its tokens.
        radius_mm: it reaches no farther.
        deformable: sampling at learned places before the fusion at stride 8; cannot be exported to OpenVINO.
        fusion: learned weights (``"gated"``), equal ones (``"mean"``), or a convolution over all (``"concat"``).
        groups: of the convolution that finds the weights.
        size_gate: condition the finest features on the size of lesions; needs ``lesion`` and ``deep_supervision``.
        deep_supervision: logits at strides 4 and 8 too, in training.
        side: a logit for the patient's left.
        lesion: logits of lesion, by voxel and for the volume.
        spacing: of the network's input in (k, j, i) order, millimetres; where the caller does not give one.

    Raises:
        ValueError: a value that is impossible, alone or beside another.

    Example:
        >>> from MultimodalSegLib.networks.config import NetworkConfig, teacher
        >>> NetworkConfig.from_dict(teacher(2, 27).to_dict()) == teacher(2, 27)
        True
    """

    families: int
    classes: int
    widths: tuple[int, ...] = (32, 64, 96, 128, 192)
    encoder: Literal["dual", "cnn", "swin"] = "cnn"
    swin_from: int = 2
    swin_width: int = 48
    swin_window: int = 4
    head_width: int = 24
    cross_scale: bool = False
    cross_width: int = 96
    radius_mm: float = 72.0
    deformable: bool = False
    fusion: Literal["gated", "mean", "concat"] = "gated"
    groups: int = 8
    size_gate: bool = False
    deep_supervision: bool = False
    side: bool = True
    lesion: bool = True
    spacing: tuple[float, float, float] = (1.5, 1.5, 1.5)

    def __post_init__(self) -> None:
        for problem in (*self._impossible_alone(), *self._impossible_together()):
            raise ValueError(f"{problem}.")

    def _impossible_alone(self) -> list[str]:
        """What is wrong with single values."""
        problems = []
        for name, least in (("families", 1), ("classes", 2), ("groups", 1), ("head_width", 1), ("swin_window", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                problems.append(f"{name} is {value!r}, not a whole number of at least {least}")
        if not self.widths or not all(isinstance(w, int) and w > 0 for w in self.widths):
            problems.append(f"widths is {self.widths!r}, not a positive number of channels for each scale")
        for name, known in (("encoder", ("dual", "cnn", "swin")), ("fusion", ("gated", "mean", "concat"))):
            if getattr(self, name) not in known:
                problems.append(f"{name} is {getattr(self, name)!r}, not one of {', '.join(known)}")
        if not self.radius_mm > 0:
            problems.append(f"radius_mm is {self.radius_mm!r}, not a positive length")
        if len(self.spacing) != 3 or not all(s > 0 for s in self.spacing):
            problems.append(f"spacing is {self.spacing!r}, not three positive lengths")
        flags = ("cross_scale", "deformable", "size_gate", "deep_supervision", "side", "lesion")
        problems += [
            f"{n} is {getattr(self, n)!r}, not true or false" for n in flags if type(getattr(self, n)) is not bool
        ]
        return problems

    def _impossible_together(self) -> list[str]:
        """What is wrong with values beside others; asked only if each is possible alone."""
        if self._impossible_alone():
            return []
        problems = []
        divided = [(w, self.groups, "groups") for w in self.widths if self.fusion == "gated"]
        divided += [(self.swin_width, self.head_width, "head_width")] if self.encoder != "cnn" else []
        divided += [(self.cross_width, self.head_width, "head_width")] if self.cross_scale else []
        divided += [(w, self.head_width, "head_width") for w in self.widths[2:3] if self.deformable]
        for width, divisor, name in divided:
            if width < divisor or width % divisor:
                problems.append(f"{width} channels cannot be divided by {name}, which is {divisor}")
        if self.encoder != "cnn" and not 0 <= self.swin_from < len(self.widths):
            problems.append(f"swin_from is {self.swin_from!r}, but there are {len(self.widths)} scales")
        if (self.deformable or self.deep_supervision) and len(self.widths) < 3:
            problems.append(f"deformable and deep_supervision need stride 8, but widths is {self.widths!r}")
        if self.size_gate and not (self.lesion and self.deep_supervision):
            problems.append("size_gate needs lesion and deep_supervision: it reads the supervised coarse logits")
        return problems

    @property
    def stride(self) -> int:
        """Sides that are multiples of this need no padding."""
        return int(2 ** len(self.widths))

    def to_dict(self) -> dict[str, Any]:
        """The ``network`` entry of a bundle's metadata."""
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {"kind": "fusion", **values, "stride": self.stride}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> NetworkConfig:
        """From the ``network`` entry of a bundle's metadata; keys that it lacks have their defaults.

        Raises:
            ValueError: an unknown key, an impossible value, or a stride that does not fit the widths.
        """
        given = {key: value for key, value in entry.items() if key not in ("kind", "stride")}
        unknown = sorted(set(given) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"A fusion network has no option {unknown[0]!r}.")
        for name in ("widths", "spacing"):
            if name in given:
                given[name] = tuple(given[name])
        config = cls(**given)
        if int(entry.get("stride", config.stride)) != config.stride:
            raise ValueError(
                f"A network of {len(config.widths)} scales has stride {config.stride}, not {entry['stride']}."
            )
        return config


def teacher(families: int, classes: int, **changes: Any) -> NetworkConfig:
    """The network with everything."""
    everything: dict[str, Any] = {
        "encoder": "dual",
        "cross_scale": True,
        "deformable": True,
        "size_gate": True,
        "deep_supervision": True,
    }
    return NetworkConfig(families, classes, **everything | changes)


def student(families: int, classes: int, **changes: Any) -> NetworkConfig:
    """At most 40 % of the teacher's parameters, and nothing that OpenVINO cannot compute."""
    less: dict[str, Any] = {
        "widths": (16, 32, 56, 88, 128),
        "swin_from": 3,
        "deformable": False,
    }
    return teacher(families, classes, **less | changes)


def small(families: int, classes: int, **changes: Any) -> NetworkConfig:
    """Convolutions alone at half of the shipped widths, for processors that are slow even for the student."""
    less: dict[str, Any] = {"widths": (16, 32, 48, 64, 96), "deep_supervision": True}
    return NetworkConfig(families, classes, **less | changes)


VARIANTS: dict[str, dict[str, Any]] = {
    "no-cross-scale": {"cross_scale": False},
    "no-deformable": {"deformable": False},
    "mean-fusion": {"fusion": "mean"},
    "concat-fusion": {"fusion": "concat"},
    "cnn-only": {"encoder": "cnn"},
    "swin-only": {"encoder": "swin"},
    "no-grouping": {"groups": 1},
    "no-size-gate": {"size_gate": False},
}
"""Ablations: what each replaces in the teacher."""


def variant(name: str, families: int, classes: int) -> NetworkConfig:
    """The teacher with one thing replaced.

    Args:
        name: a key of :data:`VARIANTS`.
        families: as for :class:`NetworkConfig`.
        classes: as for :class:`NetworkConfig`.

    Raises:
        ValueError: unknown name.
    """
    if name not in VARIANTS:
        raise ValueError(f"Unknown variant {name!r}; there are {', '.join(VARIANTS)}.")
    return teacher(families, classes, **VARIANTS[name])
