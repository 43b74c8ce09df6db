"""Registration by this library itself, with SimpleITK, in a child process; works everywhere."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MultimodalSegError
from ..process.child import ChildRun, RunProgress
from ..run import exchange
from ..scene.nodes import transform_node
from ..scene.transforms import affine_from_ras
from ..text import _
from .running import RegistrationRun, check_nodes, finished_node, remove, twin


class SimpleItkRun(RegistrationRun):
    """This library's registration in a child process (the command ``register``); see :class:`RegistrationRun`."""

    backend = "simpleitk"

    def start(self) -> None:
        """Begin.

        Raises:
            InputError: a volume that cannot be used, or a start transform that bends.
        """
        check_nodes(self.reference, self.moving, self.kind)
        self._folder = Path(tempfile.mkdtemp(prefix="MultimodalSeg-register-"))
        self._child: ChildRun | None = None
        self._error: MultimodalSegError | None = None
        self._stopped = False
        placed = self.moving if self.initial is None else twin(self.moving, self.initial)
        try:
            names = self._names()
            plan = exchange.plan((names[0], self.reference), {names[1]: placed}, self._folder)
        except MultimodalSegError:
            self._remove_files()
            raise
        finally:
            if placed is not self.moving:
                remove(placed)
        self._placement = plan.placements[names[1]]
        self._writer = threading.Thread(target=self._write, args=(plan,), daemon=True)
        self._running = True
        self._tell(0.0, _("the volumes are handed over"))
        self._writer.start()

    def poll(self) -> bool:
        if not self._running:
            return False
        if self._child is not None:
            self._child.poll()
        elif not self._writer.is_alive():
            self._go_on()
        return self._running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        if not self._running:
            return
        self._stopped = True
        if self._child is not None:
            self._child.cancel(wait_s=wait_s)

    @property
    def log(self) -> str:
        child: ChildRun | None = getattr(self, "_child", None)
        return super().log if child is None else child.log

    @property
    def _start_file(self) -> Path:
        return self._folder / "start.h5"

    def _names(self) -> tuple[str, str]:
        """Names for the two files; which modality it is only helps to find the head."""
        fixed = self.modalities[0] or "CT"
        moving = self.modalities[1] or ("MR" if fixed != "MR" else "T1")
        return fixed, moving if moving != fixed else ("MR" if fixed != "MR" else "T1")

    def _write(self, plan: Any) -> None:
        """In a thread: touches no node, and imports what the end needs, for which the interface has no time."""
        import SimpleITK as sitk

        from ...registration import register, transform_file  # noqa: F401  (register: for the end)

        try:
            if self.initial is not None:
                transform_file.write_transform(sitk.AffineTransform(3), self._start_file)
            self._files = exchange.write(plan, self._folder)
        except MultimodalSegError as error:
            self._error = error

    def _go_on(self) -> None:
        """The files are written: start the child."""
        if self._stopped:
            self._remove_files()
            self._end(self.cancelled)
        elif self._error is not None:
            self._fail(self._error.kind, self._error.message, self._error.hint)
        else:
            names = self._names()
            arguments = ["register", "--fixed", str(self._files[names[0]]), "--moving", str(self._files[names[1]])]
            arguments += ["--out", str(self._folder / "found.h5"), "--kind", self.kind]
            for option, modality in zip(("--fixed-modality", "--moving-modality"), self.modalities, strict=True):
                arguments += [option, modality] if modality else []
            if self.initial is not None:  # under which the moving volume was handed over
                arguments += ["--initial", str(self._start_file)]
            self._child = ChildRun(arguments)
            self._child.progress.connect(self._follow)
            self._child.finished.connect(self._take)
            self._child.failed.connect(self._fail)
            self._child.cancelled.connect(self._gone)
            try:
                self._child.start()
            except MultimodalSegError as error:
                self._fail(error.kind, error.message, error.hint)

    def _follow(self, event: RunProgress) -> None:
        self.progress.emit(event)

    def _take(self, result: dict[str, Any]) -> None:
        from ...registration.register import chain
        from ...registration.transform_file import read_transform

        transform = read_transform(Path(result["transform"]))
        if not np.allclose(self._placement, np.eye(4)):  # it was found for the volume where the scene has it
            transform = chain(affine_from_ras(np.linalg.inv(self._placement)), transform)
        self._remove_files()
        self._end(self.finished, finished_node(transform_node(transform, self.name), self))

    def _fail(self, kind: str, message: str, hint: str) -> None:
        self._remove_files()
        self._end(self.failed, kind, message, hint)

    def _gone(self) -> None:
        self._remove_files()
        self._end(self.cancelled)

    def _remove_files(self) -> None:
        """In a thread: large files take a while."""
        threading.Thread(target=shutil.rmtree, args=(self._folder, True), name="cleaning up").start()
