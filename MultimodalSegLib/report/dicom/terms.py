"""Slicer's terminology entries: what a segment is, in codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A coded concept, such as SCT 23451007 "Kidney"."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Term:
    """A terminology entry.

    Args:
        category: such as anatomical structure.
        type: such as thalamus.
        modifier: side of the body, or None.
        region: where it is, or None.
        region_modifier: side of the region, or None.
    """

    category: Code
    type: Code
    modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None


def parse_terminology(entry: str) -> Term | None:
    """Read a segment's terminology entry.

    Args:
        entry: ``context~category~type~modifier~region context~region~region modifier``, each code as
            ``scheme^value^meaning``.

    Returns:
        The term, or None if it has no category or type.
    """
    parts = (entry or "").split("~")
    parts += [""] * (7 - len(parts))
    category, kind = _code(parts[1]), _code(parts[2])
    if category is None or kind is None:
        return None
    return Term(category, kind, _code(parts[3]), _code(parts[5]), _code(parts[6]))


def _code(text: str) -> Code | None:
    fields = [field.strip() for field in text.split("^")]
    return Code(fields[0], fields[1], fields[2]) if len(fields) == 3 and all(fields) else None
