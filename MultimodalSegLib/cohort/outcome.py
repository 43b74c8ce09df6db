"""What became of one case: a line of the cohort's record and a row of its table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import MultimodalSegError
from ..notice import RESEARCH_USE
from ..report.privacy import without_names
from ..run_folder import RunFolder

COLUMNS = ("id", "status", "seconds", "alarms", "warnings", "flags", "error", "attempts", "worker")
"""Columns of the table that every cohort has; the kept columns and the volumes (ml) come behind them."""

LEVELS = ("alarm", "warning", "info")
"""Of what is told about a case, worst first."""


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Args:
        id: of the case.
        status: ``"finished"`` or ``"failed"``.
        stages: those of :data:`~MultimodalSegLib.cohort.options.STAGES` that are done.
        seconds: that its stages took.
        told: pairs of a level of :data:`LEVELS` and a sentence: quality flags and warnings.
        volumes: ml by name of the structure.
        lesions: how many were found.
        error: why it failed, a sentence; empty if it did not.
        hint: what can be done about that.
        kind: of the error, see :mod:`MultimodalSegLib.errors`.
        worker: machine and process that did it.
        attempts: how often it was begun.
    """

    id: str
    status: str
    stages: tuple[str, ...] = ()
    seconds: float = 0.0
    told: tuple[tuple[str, str], ...] = ()
    volumes: Mapping[str, float] = field(default_factory=dict)
    lesions: int = 0
    error: str = ""
    hint: str = ""
    kind: str = ""
    worker: str = ""
    attempts: int = 1

    def count(self, level: str) -> int:
        """How many sentences of a level there are."""
        return sum(one == level for one, _ in self.told)

    @property
    def badness(self) -> tuple[int, ...]:
        """Sorts the worst case first if sorted in reverse: failed, alarms, warnings, notes."""
        return self.status == "failed", *(self.count(level) for level in LEVELS)

    def row(self) -> dict[str, str]:
        """The cells of :data:`COLUMNS` and of the volumes."""
        fixed = {
            "id": self.id,
            "status": self.status,
            "seconds": f"{self.seconds:.1f}",
            "alarms": str(self.count("alarm")),
            "warnings": str(self.count("warning")),
            "flags": " | ".join(f"{level}: {sentence}" for level, sentence in self.told),
            "error": f"{self.error} {self.hint}".strip(),
            "attempts": str(self.attempts),
            "worker": self.worker,
        }
        return fixed | {f"{name} ml": f"{ml:.4g}" for name, ml in self.volumes.items()}

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Outcome:
        """The outcome that :meth:`record` gave."""
        return cls(
            **{
                **record,
                "stages": tuple(record["stages"]),
                "told": tuple((str(level), str(sentence)) for level, sentence in record["told"]),
            }
        )


def outcome_of_run(id: str, run: RunFolder, stages: tuple[str, ...], worker: str) -> Outcome:
    """What a finished run folder says of its case.

    Args:
        id: of the case.
        run: its folder.
        stages: that are done.
        worker: that did them.
    """
    record = run.record
    flags = [(str(flag["level"]), str(flag["sentence"])) for flag in record.get("flags", ())]
    known = {sentence for _, sentence in flags} | {RESEARCH_USE}
    paths = [run.path, record["model"]["path"], *(entry["path"] for entry in record["inputs"].values())]
    warnings = without_names((s for s in record["warnings"] if s not in known), paths)
    with run.measurements.open(newline="", encoding="utf-8") as file:
        volumes = {row["name"]: float(row["volume_ml"]) for row in csv.DictReader(file) if row.get("volume_ml")}
    told = [*flags, *(("warning", sentence) for sentence in warnings)]
    return Outcome(
        id=id,
        status="finished",
        stages=stages,
        seconds=round(sum(record["seconds"].values()), 3),
        told=tuple(sorted(told, key=lambda pair: LEVELS.index(pair[0]))),
        volumes=volumes,
        lesions=int(record["measurements"]["lesions"]),
        worker=worker,
    )


def failed(id: str, error: BaseException, worker: str = "") -> Outcome:
    """The outcome of a case that an error has ended."""
    if isinstance(error, MultimodalSegError):
        kind, message, hint = error.kind, error.message, error.hint
    elif isinstance(error, MemoryError):
        kind, message, hint = "memory", "The memory of the worker is not enough for this case.", ""
    else:
        kind, message, hint = "internal", f"The program has failed unexpectedly ({type(error).__name__}: {error}).", ""
    return Outcome(id=id, status="failed", error=message, hint=hint, kind=kind, worker=worker)
