"""The state of a run on disk: written as a whole or not at all, and read without running any code."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import InputError, OutputError

if TYPE_CHECKING:
    from .batch import Batch

LAST, BEST = "last.pt", "best.pt"
"""The newest state, and the one with the best Dice of the averaged weights in the validation."""

BAD_BATCH = "bad_batch.safetensors"
"""The batch whose loss was no number."""

KEYS = ("network", "average", "task", "optimizer", "scaler", "reweighting", "step", "seconds", "best", "plan", "model")


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a state to a temporary name, wait until it is on the disk, and rename it; the old file stays until then.

    Args:
        state: tensors, numbers, texts, lists and mappings.
        path: the file.

    Raises:
        OutputError: the disk is full or not writable; the old file is still there.
    """
    content = io.BytesIO()
    torch.save(dict(state), content)
    temporary = path.with_name(f"{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _settle(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        kept = f" The state before it, {path.name}, is intact." if path.exists() else ""
        raise OutputError(
            f"Cannot write the checkpoint {path}: {error.strerror}.{kept}",
            "Free some disk space; the same command goes on.",
        ) from error


def read_state(path: Path, keys: Sequence[str] = KEYS) -> dict[str, Any]:
    """Read a state; nothing in the file is executed.

    Args:
        path: the file.
        keys: what it must hold.

    Raises:
        InputError: there is none, or it is damaged or something else.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = [key for key in keys if key not in state]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.", "Give the folder of a training run.") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path} is not the state of a training run.", "Train again, or copy the file again."
        ) from error
    if missing:
        raise InputError(f"{path} is not the state of a training run of this version.", f"It lacks {missing[0]!r}.")
    return state


def _settle(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where folders can be synchronized."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_same_model(found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with the state of another network.

    Args:
        found: ``model`` of the state.
        wanted: that of the run.
        folder: where the state is.

    Raises:
        InputError: names the first setting that differs.
    """
    differing = [
        f"{key} is {found['network'].get(key)!r} there and {wanted['network'].get(key)!r} in the plan"
        for key in {**wanted["network"], **found["network"]}
        if found["network"].get(key) != wanted["network"].get(key)
    ]
    names = [[entry["name"] for entry in model["network_classes"]] for model in (found, wanted)]
    if names[0] != names[1] or list(found["modality_families"]) != list(wanted["modality_families"]):
        differing.append("the classes or modalities differ")
    for key, what in (("started_from", "model it started from"), ("distilled_from", "teacher")):
        if found.get(key) != wanted.get(key):
            differing.append(f"the {what} differs")
    if differing:
        raise InputError(
            f"{folder} holds the checkpoint of another network: {differing[0]}.",
            "Choose another folder for this run, or give the checkpoint as 'init' to start from its weights.",
        )


def save_batch(batch: Batch, step: int, folder: Path) -> None:
    """Keep a batch for inspection as ``bad_batch.safetensors``; a full disk must not hide why it is kept."""
    from safetensors.torch import save_file

    content = {name: value.detach().cpu().contiguous() for name, value in vars(batch).items()}
    with contextlib.suppress(OSError):
        save_file(content, str(folder / BAD_BATCH), metadata={"step": str(step)})
