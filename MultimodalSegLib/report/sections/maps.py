"""Maps drawn as heat: reading them, and their legend."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...images.io import read_volume
from ...images.volume import Volume
from ..document.content import Pictures
from ..pictures.drawing import color_bar


def read_map(path: Path) -> Volume | None:
    """A map, or None if its file is damaged: a report does without."""
    try:
        return read_volume(path)
    except InputError:
        return None


def heat_legend(what: str, highest: str = "1") -> Pictures:
    """The colors of a map.

    Args:
        what: the name of the value.
        highest: the value with the lightest color.
    """
    text = f"{what.capitalize()}: dark is 0, light yellow is {highest}."
    return Pictures((color_bar(f"Color scale from 0 (dark) to {highest} (light yellow)", text),), columns=4, narrow=2)
