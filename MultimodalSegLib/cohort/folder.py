"""The folder of a cohort: which cases it is about, what became of them, a run folder for each.

``cohort.json`` says what belongs here and is written before anything else. ``outcomes.jsonl`` gets a line for every
case that ends, and the last line of a case counts: a program that is killed loses nothing that was told.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from ..report.tables import write_table
from ..run_folder import RECORD
from .cases import CohortCase
from .outcome import COLUMNS, Outcome

FORMAT = "MultimodalSeg cohort 1"
COHORT, OUTCOMES, TABLE, INDEX, PAUSE, CASES = (
    "cohort.json",
    "outcomes.jsonl",
    "cohort.csv",
    "index.html",
    "pause",
    "cases",
)
"""Names in the folder. While a file ``pause`` is there, no new case is begun."""

LEAST_S, MOST_SHARE = 2.0, 0.05
"""The table is written again after so many seconds, and takes no more than this share of the time."""

_HINT = "Choose another folder, or give the table and the options with which this one was begun."


class CohortFolder:
    """A cohort on disk.

    Args:
        path: the folder.
        cases: of the cohort.
        outcomes: known so far, by id.
    """

    def __init__(self, path: Path, cases: Sequence[CohortCase], outcomes: Mapping[str, Outcome]) -> None:
        self.path, self.cases, self.outcomes = path, tuple(cases), dict(outcomes)
        self._table_at, self._table_took = 0.0, 0.0

    @classmethod
    def begin(cls, path: Path, cases: Sequence[CohortCase], identity: Mapping[str, Any]) -> CohortFolder:
        """Make the folder, or go on with it; cases may have been added to the cohort since.

        Args:
            path: the folder.
            cases: of the cohort.
            identity: what must be the same for all cases: the model's checksum, parameters.

        Raises:
            InputError: the folder is another cohort's: other parameters, or cases that are missing or have other files.
            OutputError: it holds something else, or cannot be written.
        """
        volumes = {case.id: {name: str(file) for name, file in case.volumes.items()} for case in cases}
        record = {"format": FORMAT, "identity": dict(identity), "cases": volumes}
        if (path / COHORT).is_file():
            _check_same(path, _read(path), record)
        elif path.is_dir() and any(path.iterdir()):
            raise OutputError(f"{path} is not empty and not a cohort's folder.", "Choose a new or an empty folder.")
        try:
            (path / CASES).mkdir(parents=True, exist_ok=True)
            (path / PAUSE).unlink(missing_ok=True)
            _replace(path / COHORT, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror}.", "Choose a folder in which you may write."
            ) from error
        known = {one.id: one for one in _outcomes(path / OUTCOMES) if one.id in volumes}
        return cls(path, cases, known)

    @property
    def paused(self) -> bool:
        """Whether somebody wants no new case to be begun."""
        return (self.path / PAUSE).exists()

    def run(self, id: str) -> Path:
        """The run folder of a case."""
        return self.path / CASES / id

    def done(self, id: str, stages: Sequence[str]) -> bool:
        """Whether a case has finished, with all that is asked for, and its run is there."""
        outcome = self.outcomes.get(id)
        finished = outcome is not None and outcome.status == "finished" and set(stages) <= set(outcome.stages)
        return finished and (self.run(id) / RECORD).is_file()

    def keep(self, outcome: Outcome) -> None:
        """Remember what became of a case.

        Raises:
            OutputError: it cannot be written.
        """
        self.outcomes[outcome.id] = outcome
        try:
            with (self.path / OUTCOMES).open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome.record(), ensure_ascii=False) + "\n")
        except OSError as error:
            raise OutputError(
                f"{self.path / OUTCOMES} cannot be written: {error.strerror}.",
                "Free some space, then give the same command again.",
            ) from error

    def write_table(self, running: Sequence[str] = (), *, now: bool = True) -> None:
        """Write ``cohort.csv``: every case with its state, flags, errors and volumes, in the order of the cohort.

        Args:
            running: ids of the cases that are being worked on.
            now: if not, only where the last time is long ago.
        """
        begun = time.monotonic()
        if not now and begun - self._table_at < max(LEAST_S, self._table_took / MOST_SHARE):
            return
        on, rows, volumes = set(running), [], dict[str, None]()
        kept = list(dict.fromkeys(name for case in self.cases for name in case.kept))
        for case in self.cases:
            outcome = self.outcomes.get(case.id)
            row = outcome.row() if outcome is not None else {"id": case.id, "status": "waiting"}
            if case.id in on:
                row = {"id": case.id, "status": "running"}
            volumes |= dict.fromkeys(name for name in row if name not in COLUMNS)
            rows.append({**case.kept, **row})
        write_table(([*COLUMNS, *kept, *volumes], rows), self.path / TABLE)
        self._table_at, self._table_took = time.monotonic(), time.monotonic() - begun


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / COHORT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path / COHORT} cannot be read.", "Choose another folder.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{path / COHORT} is not of the format {FORMAT!r}.", "Choose another folder.")
    return record


def _check_same(path: Path, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A folder goes on with the same parameters, and with all of its cases; new ones may come."""
    for name, value in now["identity"].items():
        if was["identity"].get(name) != value:
            raise InputError(f"{path} was begun with another {name} ({was['identity'].get(name)}, not {value}).", _HINT)
    gone = [id for id in was["cases"] if id not in now["cases"]]
    other = [id for id, volumes in was["cases"].items() if id in now["cases"] and now["cases"][id] != volumes]
    if gone or other:
        what = f"{gone[0]!r} is not in the table" if gone else f"{other[0]!r} had other files"
        count = len(gone) + len(other)
        raise InputError(f"{path} is the folder of another cohort: {count} of its cases differ ({what}).", _HINT)


def _outcomes(path: Path) -> list[Outcome]:
    """What became of cases, oldest first; a line that was cut off by a kill is left out."""
    found = []
    with suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                found.append(Outcome.of_record(json.loads(line)))
    return found


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
