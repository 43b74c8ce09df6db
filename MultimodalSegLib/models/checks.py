"""Checks of a model bundle on disk that need neither torch nor trust: nothing here executes or unpickles anything."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checksum import sha256
from ..errors import ModelError
from .check_input import input_problem, needed_format
from .check_trust import trust_problem

FORMAT_VERSION = 2
"""Newest layout of ``metadata.json`` that this version reads; a larger number in a bundle is refused.

1: models of the head. 2: those that say more of their input (:mod:`.check_input`), which version 1 would overlook.
"""

WEIGHTS = Path("models") / "model.safetensors"
METADATA = Path("configs") / "metadata.json"
FILES = (METADATA, Path("configs") / "inference.json", WEIGHTS, Path("LICENSE"), Path("docs") / "README.md")

MONAI_KEYS = (
    "version",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
OWN_KEYS = (
    "format_version",
    "name",
    "license",
    "network",
    "working_spacing",
    "modality_families",
    "network_classes",
    "lesion",
    "checksum",
    "training_data",
    "limits",
)
NETWORK_KEYS = ("kind", "families", "classes", "stride")
FUSION_KEYS = (*NETWORK_KEYS, "widths")
"""Of the fusion network; the widths of published ones follow from their name."""

PICKLE_SUFFIXES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".ts", ".joblib", ".npy", ".npz"}
PICKLE_STARTS = (b"PK\x03\x04", *(b"\x80" + bytes([protocol]) for protocol in range(2, 6)))
DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
COPY_AGAIN = "Copy or download the model again."


def check_files(folder: Path) -> None:
    """Refuse a folder that is no bundle, or that holds a file which could run code when loaded.

    Raises:
        ModelError: names the missing or the unsafe file.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}.", "The command 'models' lists the models.")
    missing = [str(name) for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"The model folder {folder} lacks {', '.join(missing)}.", COPY_AGAIN)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            start = file.read(4)
        if path.suffix.lower() in PICKLE_SUFFIXES or start.startswith(PICKLE_STARTS):
            raise ModelError(
                f"The model folder holds {path.relative_to(folder)}, a kind of file that can run code when loaded.",
                "Use models whose weights are a .safetensors file, and remove this file only if you trust its source.",
            )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises:
        ModelError: the file is not JSON or not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The model file {path} is not valid JSON: {error}.", COPY_AGAIN) from error
    if not isinstance(content, dict):
        raise ModelError(f"The model file {path} does not hold a JSON object.", COPY_AGAIN)
    return content


def check_metadata(metadata: Mapping[str, Any], where: Path) -> None:
    """Check the description of a model for completeness and for contradictions.

    Raises:
        ModelError: names the missing key, or the entry that contradicts another.
    """
    name = metadata.get("name", where.name)
    version = metadata.get("format_version", FORMAT_VERSION)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ModelError(
            f"The model {name!r} has format version {version}; this program reads up to {FORMAT_VERSION}.",
            "Update SlicerMultimodalSeg, or choose an older model.",
        )
    missing = [key for key in (*OWN_KEYS, *MONAI_KEYS) if key not in metadata]
    if isinstance(metadata.get("network"), Mapping):
        needed = FUSION_KEYS if metadata["network"].get("kind", "fusion") == "fusion" else NETWORK_KEYS
        missing += [f"network.{key}" for key in needed if key not in metadata["network"]]
    if missing:
        raise ModelError(f"The metadata of model {name!r} lack {', '.join(missing)}.", COPY_AGAIN)
    try:
        problem = _contradiction(metadata)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        problem = f"cannot be understood ({type(error).__name__}: {error})"
    if problem:
        raise ModelError(f"The metadata of model {name!r}: {problem}.", "Ask its author for a corrected one.")


def _contradiction(metadata: Mapping[str, Any]) -> str:
    """What is wrong with the entries, or an empty string."""
    network, classes, families = metadata["network"], metadata["network_classes"], metadata["modality_families"]
    if len(classes) != int(network["classes"]):
        return f"{len(classes)} network_classes are listed but the network has {network['classes']}"
    if len(families) != int(network["families"]):
        return f"{len(families)} modality_families are listed but the network has {network['families']}"
    if problem := input_problem(metadata) or trust_problem(metadata):
        return problem
    if metadata["format_version"] < needed_format(metadata):
        return f"format_version is {metadata['format_version']}, but what it says of its input needs version 2"
    if "left" in classes[0] or classes[0].get("value", 0) != 0:
        return "the first of network_classes is not the background with value 0"
    entries = [
        part for entry in classes[1:] for part in ((entry["left"], entry["right"]) if "left" in entry else (entry,))
    ]
    if any("left" in entry for entry in classes[1:]) and not network.get("side", True):
        return "a class has a left and a right one, but the network has no side"
    if metadata["lesion"] and not network.get("lesion", True):
        return "there is a lesion, but the network finds none"
    for key in ("lesion_threshold", "lesion_peak"):
        if not 0 < float(metadata.get(key, 0.5)) < 1:
            return f"{key} is {metadata[key]}, not a probability between 0 and 1"
    entries += [metadata["lesion"]] if metadata["lesion"] else []
    values = [0, *(int(entry["value"]) for entry in entries)]
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        return f"the label value {doubled[0]} is used twice"
    if min(values) < 0 or max(values) > 65535:
        return "a label value does not fit into 16 bits"
    if any(len(entry["color"]) != 3 or not all(0 <= c <= 255 for c in entry["color"]) for entry in entries):
        return "a color is not three numbers from 0 to 255"
    return ""


def check_weights(path: Path, checksum: str) -> None:
    """Check that the weights are the ones described, and a well-formed safetensors file.

    The file must be eight bytes of length, a JSON header of that length, and tensors that lie one behind another and
    fill the rest, so that nothing can hide in it.

    Raises:
        ModelError: wrong checksum, or not a safetensors file.
    """
    found = sha256(path)
    if found != checksum:
        raise ModelError(
            f"The weights {path} have the checksum {found[:12]}..., not {str(checksum)[:12]}... as the model says.",
            COPY_AGAIN,
        )
    problem = _safetensors_problem(path)
    if problem:
        raise ModelError(f"The weights {path} are not a safetensors file: {problem}.", COPY_AGAIN)


def _safetensors_problem(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > size - 8:
            return "its header is longer than the file"
        try:
            header = json.loads(file.read(length))
            tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
            spans = sorted((*entry["data_offsets"], _bytes(entry)) for entry in tensors.values())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return f"its header cannot be read ({type(error).__name__})"
    position = 0
    for begin, end, expected in spans:
        if begin != position or end - begin != expected:
            return "its tensors overlap, leave gaps or have the wrong length"
        position = end
    return "" if position == size - 8 - length else "its tensors do not fill the file"


def _bytes(entry: Mapping[str, Any]) -> int:
    count = DTYPE_BYTES[entry["dtype"]]
    for extent in entry["shape"]:
        count *= int(extent)
    return count
