"""Corrections of one run, one after the other, by a program that stays: what is slow is done once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..progress import Event, Progress, silent
from ..refinement.prompts import Prompts
from ..restore import FinishedRun, open_run
from ..run_folder import RECORD
from ..run_lock import changing
from .click_model import MODEL, make_refiner
from .corrections import STAGE, Refined, keep, so_far
from .edited import put_edited
from .measure import measure_again
from .refine import edited_mask, named_segment

if TYPE_CHECKING:
    from ..refinement.answer import Refiner


class Clicking:
    """Answers requests about one run, which is read again only if somebody else has changed it.

    Args:
        path: the run folder.
        model: name or folder of a click model.
        device: where to compute.

    Example:
        >>> clicking = Clicking(Path("run"))                                                  # doctest: +SKIP
        >>> clicking.answer({"positive": [[32.0, -14.5, 20.0]], "new": "Lesion 2"})["mask"]   # doctest: +SKIP
    """

    def __init__(self, path: Path, model: str = MODEL, device: str = "auto") -> None:
        self._path, self._model, self._device = path, model, device
        self._run: FinishedRun | None = None
        self._refiner: Refiner | None = None
        self._written = 0  # when run.json was written last, as far as we know

    def answer(self, request: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
        """Do what a request says.

        Args:
            request: either ``edited``, a file as for :func:`~MultimodalSegLib.stages.edited.put_edited`; or
                ``positive``, ``negative`` and ``box`` (LPS mm), ``segment`` or ``new``, ``start`` and
                ``allow_overwrite``, as for :func:`~MultimodalSegLib.stages.refine.refine`; those left out are empty.
            progress: takes the events of the stage ``"refine"``.

        Returns:
            What the command ``refine`` tells a program.

        Raises:
            InputError: as for these functions.
        """
        with self._changing() as run:
            if request.get("edited"):
                self._run, names = put_edited(run, Path(request["edited"]))
                return {"run": str(self._path), "edited": list(names)}
            return result_of(self._path, self._correct(run, request, progress))

    def measure(self, progress: Progress = silent) -> bool:
        """Bring the tables up to date; False if they are."""
        if self._run is None:
            return False
        with self._changing() as run:
            return measure_again(run, progress)

    def _correct(self, run: FinishedRun, request: Mapping[str, Any], progress: Progress) -> Refined:
        prompts = Prompts(request.get("positive", ()), request.get("negative", ()), request.get("box"))
        entry = named_segment(run, str(request.get("segment", "")), str(request.get("new", "")))
        with run.folder.stage(STAGE, keep=True):
            if self._refiner is None:
                self._refiner = make_refiner(run, self._model, self._device, progress)
            progress(Event(STAGE, 1, 2, f"Looking for {entry.name}"))
            start = request.get("start")
            said, before = (prompts, edited_mask(Path(start), run)) if start else so_far(run, entry, prompts)
            answer = self._refiner.answer(said, before)
            allow = bool(request.get("allow_overwrite"))
            refined, self._run = keep(run, entry, prompts, answer, allow_overwrite=allow)
        return refined

    @contextmanager
    def _changing(self) -> Iterator[FinishedRun]:
        """The run as it is, while no other program changes it."""
        with changing(self._path):
            run = self._opened()
            try:
                yield run
            finally:
                file = self._path / RECORD
                self._written = file.stat().st_mtime_ns if file.is_file() else 0

    def _opened(self) -> FinishedRun:
        """The run, read anew if its record is not as we have left it."""
        try:
            written = (self._path / RECORD).stat().st_mtime_ns
        except OSError as error:
            raise InputError(f"{self._path} has no {RECORD}.", "Segment the case again.") from error
        if self._run is None or written != self._written:
            self._run, self._refiner, self._written = open_run(self._path), None, written
        return self._run


def result_of(run: Path, found: Refined) -> dict[str, Any]:
    """A correction as a program is told of it."""
    return {
        "run": str(run),
        "segment": found.segment.name,
        "value": found.segment.value,
        "color": list(found.segment.color),
        "terminology": found.segment.terminology,
        "mask": str(found.file),
        "added_ml": found.added_ml,
        "removed_ml": found.removed_ml,
        "withheld_ml": dict(found.withheld_ml),
        "seconds": round(found.seconds, 3),
        "warnings": list(found.warnings),
    }
