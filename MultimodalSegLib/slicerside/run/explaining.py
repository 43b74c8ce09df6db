"""The question why a structure was found: asked in a child process, answered with maps and tables in the scene."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...images.synthetic import choice_for_run
from ...report.corrected import OUTDATED, outdated
from ...report.seg_nrrd import classes_in_file
from ...run_folder import RunFolder
from ..process.question import Question
from ..scene.nodes import Node
from ..scene.tables import table_from_csv
from ..text import _
from .maps import map_key, study_of

METHOD = "gradcam"


@dataclass(frozen=True)
class Subject:
    """What is asked about.

    Args:
        folder: the run folder.
        name: the class, as the run names it.
        lesion: number of a single lesion, 1 for the largest; 0 for the whole class.
    """

    folder: Path
    name: str
    lesion: int = 0

    @property
    def row(self) -> str:
        """Its name in the table of contributions."""
        return f"{self.name} {self.lesion}" if self.lesion else self.name

    @property
    def map_file(self) -> Path:
        """Where its map is, once it was made."""
        stem = self.row.lower().replace(" ", "_")
        return self.folder / "explanation" / f"{stem}.{METHOD}.nrrd"

    @property
    def table_file(self) -> Path:
        """Where the contributions of the modalities are, once they were found."""
        return self.folder / "explanation" / "contributions.csv"

    @property
    def known(self) -> bool:
        """Whether the run has both, made for the segment as it is."""
        return self.map_file.is_file() and self.table_file.is_file() and not self._overtaken()

    def _overtaken(self) -> bool:
        """Whether the segment was changed after the map or the table was made."""
        with suppress(InputError, OSError, KeyError):
            run = RunFolder.open(self.folder)
            if not run.record.get(OUTDATED):
                return False
            value = {entry.name: entry.value for entry in classes_in_file(run.segmentation)}.get(self.name)
            files = (file.relative_to(self.folder).as_posix() for file in (self.map_file, self.table_file))
            return any(value in outdated(run.record, file) for file in files)
        return False

    def arguments(
        self, *, device: str = "auto", threads: int | None = None, memoryLimitMb: int | None = None
    ) -> list[str]:
        """The command line that answers: the command and its options, without the interpreter and ``--events``."""
        asked = ["explain", str(self.folder), "--class", self.name, "--method", METHOD, "--quick", "--device", device]
        asked += ["--lesion", str(self.lesion)] if self.lesion else []
        asked += [] if self.table_file.is_file() and not self._overtaken() else ["--contributions"]
        asked += choice_for_run(self.folder)
        asked += ["--threads", str(threads)] if threads is not None else []
        return asked + (["--memory-limit", str(memoryLimitMb)] if memoryLimitMb is not None else [])


@dataclass(frozen=True)
class Answer:
    """What was found.

    Args:
        mapNodes: by file of the run folder, the map of the subject first.
        tableNode: contributions of the modalities, None if they are not known.
        sentences: what to tell the user.
    """

    mapNodes: Mapping[str, Node]
    tableNode: Node | None = None
    sentences: Sequence[str] = field(default_factory=tuple)


class Explaining(Question):
    """One question why; it is answered with an :class:`Answer`.

    Args:
        subject: what is asked about.
        reference: volume node on whose grid the run is, None if it was deleted.
        options: device, threads and memoryLimitMb, as for a run.
        python: see :class:`~MultimodalSegLib.slicerside.process.question.Question`.
    """

    def __init__(
        self, subject: Subject, reference: Node | None, options: Mapping[str, Any] = {}, *, python: str | None = None
    ) -> None:
        super().__init__(subject.arguments(**options), python=python)
        self.subject, self._reference = subject, reference

    def loaded(self, told: Mapping[str, Any]) -> Answer:
        files = [Path(file) for file in dict(told.get("maps", {})).values()]
        return load_answer(self.subject, self._reference, files, tuple(map(str, told.get("warnings", ()))))


def load_answer(
    subject: Subject, reference: Node | None, files: Sequence[Path] = (), warnings: Sequence[str] = ()
) -> Answer:
    """Put what the run folder holds about a subject into the scene.

    Args:
        subject: what was asked about.
        reference: volume node on whose grid the run is.
        files: maps that were made; only those of the subject are loaded.
        warnings: sentences of the child.

    Raises:
        InputError: a map is missing or cannot be read.
    """
    if not subject.map_file.is_file():
        raise InputError(_("The run has no map of {name}.").format(name=subject.row), _("Ask again."))
    study = study_of(subject.folder, reference)
    own = map_key(subject.map_file)
    wanted = [subject.map_file, *(file for file in files if map_key(file).startswith(f"{own}-"))]
    maps = {file.relative_to(subject.folder).as_posix(): study.load(file) for file in wanted}
    table = None
    if subject.table_file.is_file():
        table = table_from_csv(subject.table_file, f"{study.name} {_('contributions')}")
    return Answer(maps, table, (*_shares(subject), *_lost(subject), *_faithful(subject), *warnings))


def _shares(subject: Subject) -> list[str]:
    """How the modalities share what was found."""
    rows = []
    with suppress(OSError, KeyError, ValueError):
        with subject.table_file.open(newline="", encoding="utf-8") as file:
            own = [row for row in csv.DictReader(file) if row["structure"] == subject.row]
        rows = [(row["modality"], float(row["shapley"])) for row in own]
    if not rows:
        return []
    parts = ", ".join(f"{modality} {share:.2f}" for modality, share in rows)
    total = sum(share for _modality, share in rows)
    return [_("Mean probability {total:.2f}, of which {parts}.").format(total=total, parts=parts)]


def _lost(subject: Subject) -> list[str]:
    """What would be lost of it without a modality."""
    told = _json(subject.table_file.with_suffix(".json")).get("sentences", [])
    names = ("this lesion", subject.row.lower()) if subject.lesion else (subject.name.lower(),)
    return [text for text in map(str, told) if any(_names(text, name) for name in names)]


def _names(sentence: str, name: str) -> bool:
    """Whether a sentence speaks of a structure, and not of one whose name or number only begins alike."""
    place = sentence.lower().find(name)
    return place >= 0 and not sentence[place + len(name) : place + len(name) + 1].isalnum()


def _faithful(subject: Subject) -> list[str]:
    """How far the map can be believed."""
    figures = _json(subject.map_file.with_name("faithfulness.json")).get(map_key(subject.map_file), {})
    if figures.get("ignores_weights"):
        return [_("This method does not depend on what the network has learned: do not believe the map.")]
    told = []
    if {"mass_inside", "insertion_area", "deletion_area"} <= set(figures):
        text = _("{inside:.0%} of the map lies inside the structure; insertion {insertion}, deletion {deletion}.")
        insertion, deletion = (_area(figures, f"{name}_area") for name in ("insertion", "deletion"))
        told.append(text.format(inside=figures["mass_inside"], insertion=insertion, deletion=deletion))
    if "ignores_weights" in figures and figures["ignores_weights"] is None:
        told.append(_("Whether the map depends on what the network has learned cannot be told, for a map is empty."))
    return told


def _area(figures: Mapping[str, Any], key: str) -> str:
    """An area, with those of maps that explain nothing where they were measured."""
    own, others = f"{figures[key]:.2f}", figures.get("baselines") or {}
    if not {"random", "blurred mask"} <= set(others):
        return own
    text = _("{own} (a random map {random:.2f}, the blurred structure {mask:.2f})")
    return text.format(own=own, random=others["random"][key], mask=others["blurred mask"][key])


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
