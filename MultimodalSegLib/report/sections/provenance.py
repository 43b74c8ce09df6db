"""How the result came about, so that it can be made again."""

from __future__ import annotations

from typing import Any

from ..document.content import Block, Cell, Facts, Section, Table
from ..findings import Findings, number
from .figures import shown


def provenance(findings: Findings) -> Section:
    """Inputs by their checksums (no file names), model, parameters, versions and times."""
    record = findings.record
    model = record.get("model") or {}
    pairs = [
        ("Model", f"{model.get('name', '')} {model.get('version', '')}".strip()),
        ("Model checksum (SHA-256)", str(model.get("checksum", ""))),
        ("Device", str(record.get("device", ""))),
        ("Peak memory", _with_unit(record.get("peak_memory_mb"), "MiB")),
        ("Seconds", ", ".join(f"{name} {shown(number(value))}" for name, value in _items(record, "seconds"))),
        ("Versions", ", ".join(f"{name} {version}" for name, version in _items(record, "versions"))),
        ("Registration asked for", str((record.get("parameters") or {}).get("registration", ""))),
    ]
    blocks: list[Block] = [Facts(tuple((name, text) for name, text in pairs if text))]
    rows = tuple(_input(name, entry) for name, entry in _items(record, "inputs"))
    if rows:
        head = ("Scan", "Size (voxels)", "Spacing (mm)", "Checksum (SHA-256)")
        blocks.append(Table("Scans as they came.", head, rows))
    return Section("How it was computed", tuple(blocks))


def _items(record: Any, key: str) -> list[tuple[str, Any]]:
    return list((record.get(key) or {}).items())


def _with_unit(value: Any, unit: str) -> str:
    amount = number(value)
    return "" if amount is None else f"{shown(amount)} {unit}"


def _input(name: str, entry: Any) -> tuple[Cell, ...]:
    size = " × ".join(str(count) for count in entry.get("size", ()))
    spacing = " × ".join(shown(number(step)) for step in entry.get("spacing", ()))
    digest = str(entry.get("sha256", ""))
    name = f"{name}, synthetic detail" if entry.get("synthetic_detail") else name
    return Cell(name), Cell(size), Cell(spacing), Cell(digest[:16] + "…" if len(digest) > 16 else digest)
