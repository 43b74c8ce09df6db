"""The model of a command that needs one of its own."""

from __future__ import annotations

from ..errors import ModelError
from ..models.bundle import Bundle, load_bundle
from ..models.purpose import PURPOSES


def own_model(kind: str, model: str = "", device: str = "auto") -> Bundle:
    """Find a model of a kind.

    Args:
        kind: of network, of :data:`~MultimodalSegLib.models.purpose.PURPOSES`.
        model: name or folder; the usual one of the kind if empty.
        device: where it is to run.

    Raises:
        ModelError: not found, or of another kind.
    """
    purpose = PURPOSES[kind]
    try:
        bundle = load_bundle(model or purpose.command, device)
    except ModelError as error:
        if model not in ("", purpose.command) or "There is no model" not in error.message:
            raise
        hint = f"Copy the model {purpose.command!r} here, or make one: train-{purpose.command}."
        raise ModelError(f"No model that {purpose.does} is installed.", hint) from error
    bundle.check_for(kind)
    return bundle
