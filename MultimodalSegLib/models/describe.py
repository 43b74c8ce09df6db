"""What a user should know of a model, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..notice import RESEARCH_USE
from .checks import WEIGHTS

if TYPE_CHECKING:
    from .bundle import Bundle


def described(bundle: Bundle) -> str:
    """Name, purpose, license, inputs, classes, training, limits and weights of a model, a line each."""
    meta, classes = bundle.metadata, bundle.classes()
    rows = {
        "Model": f"{bundle.name} {bundle.version}",
        "What": meta["description"],
        "License": meta["license"],
        "Inputs": f"any of {', '.join(meta['modality_families'])}; {bundle.working_area()}",
        "Classes": f"{len(classes)}: {', '.join(entry.name for entry in classes)}",
        "Training": meta["training_data"],
        "Limits": meta["limits"],
        "Weights": f"{(bundle.path / WEIGHTS).stat().st_size / 1e6:.1f} MB, sha256 {bundle.checksum[:16]}",
        "Folder": str(bundle.path),
    }
    if not classes:
        del rows["Classes"]
    lines = [f"{title + ':':10}{_text(value)}" for title, value in rows.items()]
    return "\n".join([*lines, RESEARCH_USE])


def _text(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
