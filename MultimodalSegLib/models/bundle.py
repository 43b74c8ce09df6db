"""A trained model on disk: what it is, what it can do, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, ModelError
from ..notice import RESEARCH_USE
from .checks import METADATA, WEIGHTS, check_files, check_metadata, check_weights, read_json
from .classes import SegmentClass
from .folders import bundle_folders, resolve

if TYPE_CHECKING:
    from torch import nn


def modality_family(modality: str) -> str:
    """The family under which a network knows a modality: ``"CT"``, ``"PET"``, or ``"MR"`` for every MRI contrast."""
    return modality if modality in ("CT", "PET") else "MR"


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
    def spacing(self) -> float:
        """Isotropic spacing at which the network works, mm."""
        return float(self.metadata["working_spacing"])

    @property
    def stride(self) -> int:
        """The sides of the network's input are multiples of this many voxels."""
        return int(self.metadata["network"]["stride"])

    def family_index(self, modality: str) -> int:
        """The number by which the network is told what kind of image it sees.

        Raises:
            InputError: the model was not made for this modality.
        """
        families = list(self.metadata["modality_families"])
        if modality_family(modality) not in families:
            raise InputError(
                f"The model {self.name!r} cannot use a {modality} volume; it knows {', '.join(families)}.",
                f"Leave the {modality} volume out, or choose another model.",
            )
        return families.index(modality_family(modality))

    def network(self) -> nn.Module:
        """Build the network and load its weights as float32; in evaluation mode, on the CPU.

        Raises:
            ModelError: the weights do not belong to the network that the metadata describe.
        """
        from safetensors.torch import load_file

        from ..networks.build import build_network

        try:
            network = build_network(dict(self.metadata["network"]))
            network.load_state_dict(load_file(str(self.path / WEIGHTS)))
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            first = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"The weights of model {self.name!r} do not fit its network: {first}",
                "Update SlicerMultimodalSeg, or copy the model again.",
            ) from error
        return network.eval()

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

    def describe(self) -> str:
        """What a user should know before using the model, as plain text."""
        meta = self.metadata
        rows = {
            "Model": f"{self.name} {self.version}",
            "What": meta["description"],
            "License": meta["license"],
            "Inputs": f"any of {', '.join(meta['modality_families'])}; resampled to {self.spacing:g} mm",
            "Classes": f"{len(self.classes())}: {', '.join(c.name for c in self.classes())}",
            "Training": meta["training_data"],
            "Limits": meta["limits"],
            "Weights": f"{(self.path / WEIGHTS).stat().st_size / 1e6:.1f} MB, sha256 {self.checksum[:16]}",
            "Folder": str(self.path),
        }
        lines = [f"{title + ':':10}{_text(value)}" for title, value in rows.items()]
        return "\n".join([*lines, RESEARCH_USE])


def _text(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _segment_class(entry: Mapping[str, Any], name: str) -> SegmentClass:
    red, green, blue = (int(c) for c in entry["color"])
    name = name[:1].upper() + name[1:]
    return SegmentClass(name, int(entry["value"]), (red, green, blue), entry.get("terminology", ""), entry["group"])


def load_bundle(name_or_path: str | Path = "default") -> Bundle:
    """Find a model and check everything about it that can be checked without loading it.

    Args:
        name_or_path: a model's folder name in one of the search folders, the path of a model, or ``"default"``.

    Raises:
        ModelError: not found, incomplete, damaged, unsafe (a pickle inside), or made for a later version.
    """
    path = resolve(name_or_path)
    check_files(path)
    metadata = read_json(path / METADATA)
    read_json(path / "configs" / "inference.json")
    check_metadata(metadata, path)
    check_weights(path / WEIGHTS, metadata["checksum"])
    return Bundle(path, metadata)


def list_bundles() -> list[Bundle]:
    """Every usable model in the search folders; damaged ones are left out (``load_bundle`` says what they lack)."""
    found = []
    for path in bundle_folders().values():
        try:
            found.append(load_bundle(path))
        except ModelError:
            continue
    return found
