"""A pre-trained encoder with its decoder on disk: ``encoder.safetensors``, and what it is in ``encoder.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ...checksum import sha256
from ...errors import InputError, OutputError
from ...writing import whole_file, write_text

WEIGHTS, RECORD = "encoder.safetensors", "encoder.json"
AGAIN = "Pre-train again, or copy the folder again."


def write_encoder(folder: Path, weights: Mapping[str, Tensor], entry: Mapping[str, Any]) -> None:
    """Write an encoder; the description comes last, with the checksum of the weights.

    Args:
        folder: made if it is not there.
        weights: by the names of the fusion network.
        entry: ``network``, ``families`` and whatever else is worth saying.

    Raises:
        OutputError: it cannot be written.
    """
    from safetensors.torch import save_file

    tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / WEIGHTS) as partial:
            save_file(tensors, str(partial), metadata={"format": "pt"})
        checksum = sha256(folder / WEIGHTS)
    except OSError as error:
        raise OutputError(f"Cannot write the encoder {folder}: {error.strerror}.", "Free some disk space.") from error
    write_text(folder / RECORD, json.dumps({**entry, "checksum": checksum}, indent=2) + "\n")


def read_encoder(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights of an encoder and its description.

    Raises:
        InputError: there is none, or it is damaged.

    Example:
        >>> weights, entry = read_encoder(Path("pretrained"))       # doctest: +SKIP
        >>> entry["families"]                                       # doctest: +SKIP
        ['MR']
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        entry: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if sha256(folder / WEIGHTS) != entry["checksum"]:
            raise ValueError(f"its checksum is not the one that {RECORD} says")
        for name, kind in (("network", dict), ("families", list)):
            if not isinstance(entry[name], kind):
                raise ValueError(f"{RECORD} says nothing of its {name}")
        return load_file(str(folder / WEIGHTS)), entry
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no pre-trained encoder.", "The command 'pretrain' makes one.") from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"The encoder {folder} cannot be used: {error}.", AGAIN) from error
