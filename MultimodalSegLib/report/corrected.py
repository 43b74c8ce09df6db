"""What a person has corrected in a run's segmentation, and which findings were made before that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .findings import Findings, number
from .lesion_parts import LesionPart

HISTORY = "refinements"
"""Key of run.json: a list of what was corrected, oldest first."""

OUTDATED = "outdated"
"""Key of run.json: by file, its checksum when segments were changed after it was written, and their label values."""

CONTRIBUTIONS = "explanation/contributions.csv"
SUMMARY = "uncertainty/summary.json"


def corrected(record: Mapping[str, Any]) -> dict[int, str]:
    """Label value and name of every segment that is not as the model gave it.

    Args:
        record: content of run.json.

    Example:
        >>> corrected({"refinements": [{"changed": {"17": "Left hippocampus"}}]})
        {17: 'Left hippocampus'}
    """
    return {int(value): str(name) for one in record.get(HISTORY) or () for value, name in one["changed"].items()}


def outdated(record: Mapping[str, Any], file: str) -> frozenset[int]:
    """Label values of the segments that were changed after a file was written.

    Args:
        record: content of run.json.
        file: relative to the run folder; one that was written again since is up to date.
    """
    entry = (record.get(OUTDATED) or {}).get(file)
    now = next((stage["files"][file] for stage in record["stages"].values() if file in stage["files"]), None)
    return frozenset(entry["values"]) if entry is not None and entry["sha256"] == now else frozenset()


def holding_intervals(record: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``uncertainty/summary.json`` without what it says of corrected segments.

    An interval says how far the model's own answer may be off, and nothing of what a person has made of it.
    """
    names, gone = corrected(record), {*corrected(record), *outdated(record, SUMMARY)}
    views, volumes = summary.get("views") or {}, summary.get("volumes") or {}
    said = {**names, **{int(value): str(row.get("name")) for value, row in volumes.items() if int(value) in gone}}
    kept: dict[str, Any] = dict(summary)
    kept |= {"views": {name: dice for name, dice in views.items() if name not in said.values()}} if views else {}
    kept |= {"volumes": {value: row for value, row in volumes.items() if int(value) not in gone}} if volumes else {}
    return kept


def up_to_date(findings: Findings) -> Findings:
    """The findings without those that a correction has overtaken; ``left_out`` names them."""
    record = findings.record
    if not record.get(HISTORY) and not record.get(OUTDATED):
        return findings
    maps = {name: path for name, path in findings.maps.items() if not _overtaken(findings, name)}
    old = outdated(record, CONTRIBUTIONS)
    rows = tuple(row for row in findings.contributions if number(row.get("value")) not in old)
    uncertainty = holding_intervals(record, findings.uncertainty)
    left_out = {
        "maps of where the network looked": len(maps) < len(findings.maps),
        "contributions of the scans": len(rows) < len(findings.contributions),
        "intervals of volumes and agreement of views": uncertainty != dict(findings.uncertainty),
    }
    return replace(
        findings,
        maps=maps,
        contributions=rows,
        contribution_sentences=() if old else findings.contribution_sentences,
        contribution_chart=None if old else findings.contribution_chart,
        uncertainty=uncertainty,
        left_out=tuple(what for what, missing in left_out.items() if missing),
    )


def _overtaken(findings: Findings, name: str) -> bool:
    """Whether the subject of a map was changed since; single lesions may have other numbers then."""
    values = outdated(findings.record, f"explanation/{name}.nrrd")
    if not values:
        return False
    target = findings.target(name.partition(".")[0])
    return target is None or isinstance(target, LesionPart) or target.value in values
