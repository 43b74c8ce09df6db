"""Adding to what a model says of itself, such as its calibration, after it was saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError, OutputError
from ..writing import whole_file
from .bundle import Bundle, load_bundle
from .checks import METADATA, OWN_KEYS, check_metadata


def amend(bundle: Bundle, entries: Mapping[str, Any]) -> Bundle:
    """Write entries into a model's metadata, in one step; the weights stay as they are.

    Args:
        bundle: the model.
        entries: new or changed ones; none of those that describe the network or its weights.

    Raises:
        ModelError: an entry that must not be changed, or metadata that would not be valid.
        OutputError: the file cannot be written.
    """
    fixed = sorted(set(entries) & set(OWN_KEYS))
    if fixed:
        raise ModelError(f"{fixed[0]!r} of the model {bundle.name!r} cannot be changed.", "Save the model anew.")
    metadata = {**bundle.metadata, **entries}
    check_metadata(metadata, bundle.path)
    path = bundle.path / METADATA
    try:
        with whole_file(path) as partial:
            partial.write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}.", "Choose a model in a writable folder.") from error
    return load_bundle(bundle.path)
