"""Which label values of prediction and reference belong together, as a user writes it into a CSV or JSON file."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError

YES = {"1", "true", "yes"}
FORMS = "Give a CSV file with the columns name, prediction, reference (and lesion), or JSON: {name: value}."


@dataclass(frozen=True)
class Structure:
    """What is compared under one name.

    Args:
        name: as shown.
        prediction: label values in the predictions.
        reference: label values in the references.
        lesion: its connected parts are counted one by one, and cases may be without it.
    """

    name: str
    prediction: frozenset[int]
    reference: frozenset[int]
    lesion: bool = False


def read_structures(path: Path) -> tuple[Structure, ...]:
    """Read a list of structures. Structures may share label values, such as a tumor and its core.

    Args:
        path: ``.csv`` with a column ``name``, and ``value`` for both sides or ``prediction`` and ``reference`` (several
            values apart by spaces or ``+``), and optionally ``lesion`` (yes); or ``.json`` with
            ``{"liver": 1, "tumor": {"prediction": [2], "reference": [2, 3], "lesion": true}}``.

    Raises:
        InputError: the file cannot be read, is of another form, or names a structure twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = _from_json(text) if path.suffix.lower() == ".json" else _from_csv(text)
        found = tuple(
            Structure(name, _values(prediction), _values(reference), lesion)
            for name, prediction, reference, lesion in entries
        )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the name.") from error
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a list of structures: {reason}.", FORMS) from error
    names = [normal(structure.name) for structure in found]
    doubled = [structure.name for structure in found if names.count(normal(structure.name)) > 1]
    if not found or doubled:
        what = f"names {doubled[0]!r} twice" if doubled else "holds no structure"
        raise InputError(f"{path} {what}.", FORMS)
    return found


def normal(name: str) -> str:
    """A name as it is compared: no difference between cases, or between spaces, ``-`` and ``_``.

    Example:
        >>> normal("Left-Hippocampus") == normal("left hippocampus")
        True
    """
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


Entry = tuple[str, Any, Any, bool]


def _from_csv(text: str) -> Sequence[Entry]:
    entries: list[Entry] = []
    for row in csv.DictReader(text.splitlines()):
        cells = {str(key).strip().lower(): (value or "").strip() for key, value in row.items() if key is not None}
        both = cells.get("value", "")
        prediction, reference = (cells.get(side) or both for side in ("prediction", "reference"))
        entries.append((cells["name"], prediction, reference, cells.get("lesion", "").lower() in YES))
    return entries


def _from_json(text: str) -> Sequence[Entry]:
    entries: list[Entry] = []
    for name, entry in json.loads(text).items():
        if isinstance(entry, Mapping):
            entries.append((name, entry["prediction"], entry["reference"], bool(entry.get("lesion", False))))
        elif isinstance(entry, str) and name.isdecimal():  # {"1": "liver"}
            entries.append((entry, name, name, False))
        else:
            entries.append((name, entry, entry, False))
    return entries


def _values(entry: Any) -> frozenset[int]:
    parts = re.split(r"[\s+;]+", entry.strip()) if isinstance(entry, str) else entry
    values = frozenset(int(part) for part in ([parts] if isinstance(parts, int) else parts))
    if not values or min(values) < 1:
        raise ValueError(f"{entry!r} is not a label value above 0")
    return values
