"""The ``dataset.json`` that other programs' layouts have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....errors import InputError


def read_object(path: Path, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: the file.
        missing: what to return for a file that is not there or is no JSON object.

    Raises:
        InputError: such a file, if ``missing`` is None.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("its top level is not an object")
    except (OSError, ValueError) as error:
        if missing is not None:
            return missing
        raise InputError(f"{path} cannot be read as JSON: {error}.", "Copy it again.") from error
    return content


def entry_of(content: dict[str, Any], key: str, folder: Path) -> Any:
    """One entry of ``dataset.json``.

    Raises:
        InputError: it is not there.
    """
    if key not in content:
        raise InputError(f"{folder / 'dataset.json'} has no entry {key!r}.", "Complete it, or write a table instead.")
    return content[key]
