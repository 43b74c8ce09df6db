"""What a run leaves on disk, whoever started it: results, and run.json that says how they came about.

Every file is written into a hidden folder and renamed into place, run.json last at the end of each stage, so that a run
that was stopped, was killed or met a full disk holds whole files and a readable run.json.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .checksum import checksum
from .errors import Cancelled, InputError, MultimodalSegError, OutputError
from .machine import peak_memory_mb, timestamp
from .writing import output_errors

FORMAT = "MultimodalSeg run 1"
RECORD = "run.json"
LOG = "run.log"
PARTIAL = ".partial"

Writer = Callable[[Path], object]


class RunFolder:
    """One run: ``with run.working():`` around the work, ``with run.stage(name):`` around each stage.

    Args:
        path: the folder.
        record: content of run.json; change it freely inside a stage, it is saved at the stage's end.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record
        self.segmentation = path / "segmentation.seg.nrrd"
        self.measurements = path / "measurements.csv"
        self.lesions = path / "lesions.csv"
        self._written: dict[str, str] = {}

    @classmethod
    def create(cls, path: Path, record: Mapping[str, Any], *, overwrite: bool = False) -> RunFolder:
        """Start a run in a new or empty folder, or in place of an earlier run.

        Args:
            path: the folder; parents are made.
            record: what is known at the start (inputs, parameters, model, versions).
            overwrite: remove what an earlier run recorded as its own; other files are never touched.

        Raises:
            OutputError: the folder holds something else, an earlier run without ``overwrite``, or cannot be written.
        """
        if (path / RECORD).is_file() and overwrite:
            cls.open(path)._remove_results()
        elif (path / RECORD).is_file():
            raise OutputError(
                f"{path} already holds a run.",
                "Choose another folder, or add --resume to go on or --overwrite to redo it.",
            )
        elif path.is_dir() and any(path.iterdir()):
            raise OutputError(f"{path} is not empty and not a run folder.", "Choose a new or an empty folder.")
        run = cls(path, {"format": FORMAT, "status": "running", "created": timestamp(), **record})
        run.record |= {"stages": {}, "seconds": {}, "warnings": list(run.record.get("warnings", ()))}
        with output_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        run.save()
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Read a run that exists.

        Raises:
            InputError: the folder is not a run folder, or its run.json cannot be read.
        """
        try:
            record = json.loads((path / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} has no readable {RECORD}.", "Give a folder that a run has written.") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(
                f"{path / RECORD} is not of the format {FORMAT!r}.", "Give a folder that a run has written."
            )
        return cls(path, record)

    @property
    def status(self) -> str:
        """``"running"``, ``"stopped"``, ``"failed"`` or ``"finished"``."""
        return str(self.record["status"])

    @property
    def transforms(self) -> dict[str, Path]:
        """By moving modality the transform file that maps points of the reference to points of that volume."""
        reference = self.record["reference"]
        found = {name: self.path / "transforms" / f"{name}_to_{reference}.h5" for name in self.record["inputs"]}
        return {name: file for name, file in found.items() if file.is_file()}

    def aligned(self, modality: str) -> Path:
        """File of a volume on the reference grid."""
        return self.path / "aligned" / f"{modality}.nrrd"

    def has(self, stage: str) -> bool:
        """Whether a stage has finished."""
        return stage in self.record["stages"]

    def warn(self, sentence: str) -> None:
        """Keep a warning for the user; one sentence is kept once."""
        if sentence not in self.record["warnings"]:
            self.record["warnings"].append(sentence)

    def write(self, file: Path, writer: Writer) -> None:
        """Write one result: to a temporary name, then renamed, so that it is never seen half written.

        Args:
            file: where it shall be, inside the run folder.
            writer: writes the content to the path it is given (same file name, hidden folder).

        Raises:
            OutputError: it cannot be written.
        """
        partial = self.path / PARTIAL / file.name
        try:
            with output_errors(file):
                partial.parent.mkdir(exist_ok=True)
                writer(partial)
                file.parent.mkdir(parents=True, exist_ok=True)
                os.replace(partial, file)
        except OutputError as error:  # a writer speaks of the temporary name
            raise OutputError(error.message.replace(str(partial), str(file)), error.hint) from error
        self._written[file.relative_to(self.path).as_posix()] = checksum(file)

    def disown(self, file: Path) -> None:
        """The stage that is on has written a file that belongs to another one."""
        self._written.pop(file.relative_to(self.path).as_posix(), None)

    @contextmanager
    def working(self) -> Iterator[None]:
        """The run is running inside, and finished, stopped or failed afterwards; run.json says which."""
        self.record |= {"status": "running", "pid": os.getpid()}
        self.record.pop("error", None)
        self._remove_partial()
        (self.path / LOG).unlink(missing_ok=True)
        self.save()
        try:
            yield
        except (KeyboardInterrupt, Cancelled):
            self.end("stopped")
            raise
        except BaseException as error:
            self.end("failed", error)
            raise
        self.end("finished")

    @contextmanager
    def stage(self, name: str, *, keep: bool = False) -> Iterator[None]:
        """One stage: its files, seconds and the peak memory are recorded when it has finished.

        One that is done again is unfinished from the first moment, so that a stop leaves no files that seem to have
        been changed by somebody else. If it was stopped before it wrote anything, what it did before still counts.

        Args:
            name: of the stage.
            keep: it adds to what it has written at other times; these files stay listed, whatever happens, and its
                seconds add up.
        """
        start, self._written = time.perf_counter(), {}
        before = self.record["stages"].pop(name, None)
        if before is not None:
            self.save()
        try:
            yield
        except BaseException:
            if before is not None and (keep or not self._written):
                self.record["stages"][name] = {**before, "files": before["files"] | self._written}
                self.save()
            raise
        finally:
            self._remove_partial()
        files = (before["files"] if keep and before else {}) | self._written
        self.record["stages"][name] = {"finished": timestamp(), "files": files}
        earlier = self.record["seconds"].get(name, 0.0) if keep and before else 0.0
        self.record["seconds"][name] = round(earlier + time.perf_counter() - start, 3)
        self.record["peak_memory_mb"] = max(peak_memory_mb(), self.record.get("peak_memory_mb", 0.0))
        self.save()

    def verify(self) -> None:
        """Compare the files of the finished stages with run.json; a stage whose file is gone must be done again.

        Raises:
            InputError: a file was changed after the run, and going on could destroy that work.
        """
        stages = self.record["stages"]
        for name in list(stages):
            files = {self.path / file: digest for file, digest in stages[name]["files"].items()}
            if not all(file.is_file() for file in files):
                for later in list(stages)[list(stages).index(name) :]:
                    del stages[later]
                return
            changed = [file for file, digest in files.items() if checksum(file) != digest]
            if changed:
                raise InputError(
                    f"{changed[0]} was changed after the run had written it.",
                    "Keep a copy of your changes and delete this file to have it made again, or choose another folder.",
                )

    def end(self, status: str, error: BaseException | None = None) -> None:
        """Leave the folder tidy with a final status; never raises, because a full disk may be why the run ends."""
        self._remove_partial()
        self.record["status"] = status
        self.record.pop("pid", None)
        if isinstance(error, MultimodalSegError):
            self.record["error"] = {"kind": error.kind, "message": error.message, "hint": error.hint}
        elif error is not None:
            self.record["error"] = {"kind": "internal", "message": f"{type(error).__name__}: {error}", "hint": ""}
        with suppress(OutputError):
            self.save()

    def save(self) -> None:
        """Write run.json.

        Raises:
            OutputError: it cannot be written; the earlier run.json stays as it was.
        """
        self.record["updated"] = timestamp()
        partial = self.path / (RECORD + PARTIAL)
        text = json.dumps(self.record, indent=2, ensure_ascii=False) + "\n"
        with output_errors(self.path / RECORD):
            try:
                partial.write_text(text, encoding="utf-8")
                os.replace(partial, self.path / RECORD)
            except OSError:
                partial.unlink(missing_ok=True)
                raise

    def _remove_partial(self) -> None:
        shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
        (self.path / (RECORD + PARTIAL)).unlink(missing_ok=True)

    def _remove_results(self) -> None:
        """Delete what run.json lists as written by the run, and folders that this empties."""
        self._remove_partial()
        with output_errors(self.path):
            for stage in self.record["stages"].values():
                for name in stage["files"]:
                    file = self.path / name
                    if self.path.resolve() not in file.resolve().parents:
                        raise InputError(
                            f"{self.path / RECORD} lists {name!r} outside its folder.", "Choose another folder."
                        )
                    file.unlink(missing_ok=True)
                    with suppress(OSError):
                        file.parent.rmdir()
            for name in (LOG, RECORD):
                (self.path / name).unlink(missing_ok=True)
