"""A trained model on disk: what it is, what it can do, and its weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError, ModelError
from ..images.case import MODALITIES, unknown_modality
from ..images.grid import Triple
from ..images.normalization import Normalization, usual_normalization
from .check_input import spacing_of
from .checks import METADATA, WEIGHTS, check_files, check_metadata, check_weights, read_json
from .classes import SegmentClass
from .describe import described
from .folders import bundle_folders, resolve
from .purpose import PURPOSES

if TYPE_CHECKING:
    from torch import nn

Kept = TypeVar("Kept")


def modality_family(modality: str, families: Collection[str] = ("CT", "PET")) -> str:
    """The family under which a network knows a modality: its own name, or ``"MR"`` for MRI contrasts without one.

    Args:
        modality: a name of :data:`~MultimodalSegLib.images.case.MODALITIES`.
        families: of the network.
    """
    return modality if modality in families or modality in ("CT", "PET") else "MR"


@dataclass(frozen=True)
class Bundle:
    """A checked model in MONAI bundle layout, with weights as ``safetensors``.

    Args:
        path: the folder.
        metadata: content of ``configs/metadata.json``.

    Example:
        >>> bundle = load_bundle("default")        # doctest: +SKIP
        >>> print(bundle.describe())               # doctest: +SKIP
    """

    path: Path
    metadata: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def version(self) -> str:
        return str(self.metadata["version"])

    @property
    def checksum(self) -> str:
        """SHA-256 of the weights."""
        return str(self.metadata["checksum"])

    @property
    def spacing(self) -> Triple:
        """Spacing at which the network works, along the patient's x, y, z, mm."""
        return spacing_of(self.metadata)

    @property
    def region(self) -> str:
        """What the network is to see of a case: ``"head"``, ``"body"`` or ``"volume"``."""
        return str(self.metadata.get("region", "head"))

    @property
    def patch(self) -> tuple[int, int, int] | None:
        """Window (k, j, i) in which the network works, voxels; None if it sees everything at once."""
        patch = self.metadata.get("patch")
        return None if patch is None else (int(patch[0]), int(patch[1]), int(patch[2]))

    @property
    def stride(self) -> int:
        """The sides of the network's input are multiples of this many voxels."""
        return int(self.metadata["network"]["stride"])

    @property
    def kind(self) -> str:
        """Of network, such as ``"fusion"``."""
        return str(self.metadata["network"]["kind"])

    @property
    def segments(self) -> bool:
        """Whether it segments by itself."""
        return self.kind not in PURPOSES

    def check_segments(self) -> None:
        """Refuse a model that cannot segment by itself.

        Raises:
            ModelError: it is for something else.
        """
        if not self.segments:
            purpose = PURPOSES[self.kind]
            raise ModelError(
                f"The model {self.name!r} {purpose.does} and does not segment by itself.",
                f"Segment with another model; this one is for {purpose.command!r}.",
            )

    def check_for(self, kind: str) -> None:
        """Refuse a model of another kind.

        Args:
            kind: of :data:`.purpose.PURPOSES`.

        Raises:
            ModelError: it is of another.
        """
        if self.kind != kind:
            purpose = PURPOSES[kind]
            raise ModelError(f"The model {self.name!r} does not {purpose.task}.", f"Use the model {purpose.command!r}.")

    def family_index(self, modality: str) -> int:
        """The number by which the network is told what kind of image it sees.

        Raises:
            InputError: no known modality, or one that the model was not made for.
        """
        families = list(self.metadata["modality_families"])
        if modality not in MODALITIES and modality not in families:
            raise unknown_modality(modality)
        family = modality_family(modality, families)
        if family not in families:
            raise InputError(
                f"The model {self.name!r} cannot use a {modality} volume; it knows {', '.join(families)}.",
                f"Leave the {modality} volume out, or choose another model.",
            )
        return families.index(family)

    def normalization(self, modality: str) -> Normalization:
        """How the intensities of a modality are brought into what the network knows."""
        family = modality_family(modality, self.metadata["modality_families"])
        entry = self.metadata.get("preprocessing", {}).get(family)
        return Normalization.from_dict(entry) if entry else usual_normalization(family)

    def network(self) -> nn.Module:
        """Build the network and load its weights as float32; in evaluation mode, on the CPU.

        Raises:
            ModelError: the weights do not belong to the network that the metadata describe.
        """
        from safetensors.torch import load_file

        from ..networks.build import build_network

        try:
            config = dict(self.metadata["network"])
            if config["kind"] == "fusion":  # its positions are in millimetres
                config["spacing"] = list(reversed(self.spacing))
            network = build_network(config)
            network.load_state_dict(load_file(str(self.path / WEIGHTS)))
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            first = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"The weights of model {self.name!r} do not fit its network: {first}",
                "Update SlicerMultimodalSeg, or copy the model again.",
            ) from error
        return network.eval()

    def kept(self, make: Callable[[], Kept]) -> Kept:
        """What belongs to the model beside its network; made anew each time, unless the bundle is one that is held.

        Args:
            make: a class or function without arguments.
        """
        return make()

    def classes(self) -> tuple[SegmentClass, ...]:
        """Every structure the model can find as a user sees it: left and right apart, lesion last, no background."""
        found: list[SegmentClass] = []
        for entry in self.metadata["network_classes"][1:]:
            if "left" in entry:
                found += [_segment_class(entry | entry[s], f"{s} {entry['name']}") for s in ("left", "right")]
            else:
                found.append(_segment_class(entry, entry["name"]))
        lesion = self.metadata["lesion"]
        if lesion:
            found.append(_segment_class({"group": "lesion"} | lesion, lesion["name"]))
        return tuple(found)

    def label_values(self) -> tuple[tuple[int, int], ...]:
        """Label values by channel of the network, (left, right); both the same for a structure that has no side."""
        structures = self.metadata["network_classes"][1:]
        return (0, 0), *(
            (int(e["left"]["value"]), int(e["right"]["value"])) if "left" in e else (int(e["value"]), int(e["value"]))
            for e in structures
        )

    def structure_names(self) -> dict[int, str]:
        """Names of the network's classes, the same for left and right, by label value; without background."""
        lesion = self.metadata["lesion"]
        pairs = zip(self.metadata["network_classes"], self.label_values(), strict=True)
        names = {value: str(entry["name"]) for entry, values in pairs for value in values if value}
        return names | ({int(lesion["value"]): str(lesion["name"])} if lesion else {})

    def working_area(self) -> str:
        """What the network sees of a case, and how fine, as words: ``"the head, resampled to 1.5 mm"``."""
        seen = {"head": "the head", "body": "the body", "volume": "the whole volume"}[self.region]
        x, y, z = self.spacing
        spacing = f"{x:g} mm" if x == y == z else f"{x:g} x {y:g} x {z:g} mm"
        windows = f", in windows of {' x '.join(map(str, reversed(self.patch)))} voxels" if self.patch else ""
        return f"{seen}, resampled to {spacing}{windows}"

    def describe(self) -> str:
        """What a user should know before using the model, as plain text."""
        return described(self)


def _segment_class(entry: Mapping[str, Any], name: str) -> SegmentClass:
    red, green, blue = (int(c) for c in entry["color"])
    name = name[:1].upper() + name[1:]
    return SegmentClass(
        name, int(entry["value"]), (red, green, blue), entry.get("terminology", ""), entry.get("group", "")
    )


def load_bundle(name_or_path: str | Path = "default", device: str = "auto") -> Bundle:
    """Find a model and check everything about it that can be checked without loading it.

    Args:
        name_or_path: a model's folder name in one of the search folders, the path of a model, or ``"default"``.
        device: where it is to run; there may be another default with a graphics card than without.

    Raises:
        ModelError: not found, incomplete, damaged, unsafe (a pickle inside), or made for a later version.
    """
    path = resolve(name_or_path, device)
    check_files(path)
    metadata = read_json(path / METADATA)
    read_json(path / "configs" / "inference.json")
    check_metadata(metadata, path)
    check_weights(path / WEIGHTS, metadata["checksum"])
    return Bundle(path, metadata)


def list_bundles() -> list[Bundle]:
    """Every model in the search folders that segments; damaged ones are left out (``load_bundle`` says why)."""
    found = []
    for path in bundle_folders().values():
        try:
            found.append(load_bundle(path))
        except ModelError:
            continue
    return [bundle for bundle in found if bundle.segments]
