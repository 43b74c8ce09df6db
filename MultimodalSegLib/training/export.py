"""From the state of a training run to a model bundle that can be installed."""

from __future__ import annotations

from pathlib import Path

from ..models.bundle import Bundle
from ..models.save import save_bundle
from .checkpoint import LAST, read_state


def export(run: Path, path: Path, *, name: str = "", version: str = "", state: str = LAST) -> Bundle:
    """Write the averaged weights of a training run as a bundle.

    Args:
        run: folder of the training run.
        path: folder of the bundle to write.
        name: the model's name; that of the plan if empty.
        version: its version; that of the plan if empty.
        state: ``last.pt`` or ``best.pt``.

    Raises:
        InputError: the run holds no such state.
        OutputError: ``path`` cannot be written.
    """
    found = read_state(run / state)
    metadata = dict(found["model"])
    metadata |= {
        "name": name or metadata["name"],
        "version": version or metadata["version"],
        "training": {
            "steps": found["step"],
            "minutes": round(found["seconds"] / 60, 1),
            "held_out": list(found["plan"]["held_out"]),
            "seed": found["plan"]["seed"],
        },
    }
    return save_bundle(path, metadata, found["average"], dtype="float16")
