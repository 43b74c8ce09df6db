"""A cohort for the panel: the command that works on it, its table while it runs, and its pause. Without Qt."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...cohort.folder import INDEX, PAUSE, TABLE


@dataclass(frozen=True)
class CohortRequest:
    """What is asked for.

    Args:
        cases: table, or folder with a folder for each case.
        out: folder of the cohort.
        workers: processes; as many as fit if 0.
        registration: ``"rigid"``, ``"affine"``, ``"bspline"`` or ``"none"``.
        model: name or folder of a model.
        wanted: of ``"uncertainty"``, ``"explain"``, ``"report"`` and ``"synthetic-detail"``.
    """

    cases: Path
    out: Path
    workers: int = 0
    registration: str = "rigid"
    model: str = "default"
    wanted: tuple[str, ...] = ()

    def arguments(
        self, *, device: str = "auto", threads: int | None = None, memoryLimitMb: int | None = None
    ) -> list[str]:
        """The command ``batch`` and its arguments."""
        asked = ["batch", str(self.cases), "--out", str(self.out), "--workers", str(self.workers)]
        asked += ["--registration", self.registration, "--model", self.model, "--device", device]
        asked += [f"--{name}" for name in self.wanted]
        asked += ["--threads", str(threads)] if threads is not None else []
        return asked + (["--memory-limit", str(memoryLimitMb)] if memoryLimitMb is not None else [])


class Queue:
    """The cases of a cohort as its table tells them, read again only when the table was written again.

    Args:
        folder: of the cohort.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Mapping[str, Any]] = []
        self._written = 0

    @property
    def index(self) -> Path:
        """The page that shows the results."""
        return self.folder / INDEX

    def changed(self) -> bool:
        """Read the table if it is new; whether it was."""
        with suppress(OSError, csv.Error, UnicodeDecodeError):
            written = (self.folder / TABLE).stat().st_mtime_ns
            if written != self._written:
                with (self.folder / TABLE).open(newline="", encoding="utf-8") as file:
                    self.rows = list(csv.DictReader(file))
                self._written = written
                return True
        return False

    @property
    def paused(self) -> bool:
        """Whether no new case is begun now."""
        return (self.folder / PAUSE).exists()

    def pause(self, on: bool) -> None:
        """Finish the running cases and begin no new one, or go on."""
        with suppress(OSError):
            if on:
                (self.folder / PAUSE).touch()
            else:
                (self.folder / PAUSE).unlink(missing_ok=True)
