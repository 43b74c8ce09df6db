"""The registration that is taken if nobody chooses one: the first of several programs that can be started."""

from __future__ import annotations

from ...errors import MissingPackageError, MultimodalSegError
from ..text import _
from .running import Node, RegistrationRun


class AutomaticRun(RegistrationRun):
    """A registration by the first of several programs that starts; see :class:`RegistrationRun`.

    Only a program that is missing, or cannot be started, is followed by the next one. A registration that has failed
    has failed: another program would only hide it.

    Args:
        in_turn: classes of the programs' registrations, the preferred one first.
        reference: as in :class:`RegistrationRun`, and so are the others.
        moving: volume node.
        kind: ``"rigid"`` or ``"affine"``.
        modalities: names of the modalities of both.
        initial: transform node to start from, or None.
    """

    def __init__(
        self,
        in_turn: tuple[type[RegistrationRun], ...],
        reference: Node,
        moving: Node,
        kind: str = "rigid",
        *,
        modalities: tuple[str, str] = ("", ""),
        initial: Node | None = None,
    ) -> None:
        super().__init__(reference, moving, kind, modalities=modalities, initial=initial)
        self._left = list(in_turn)
        self._work: RegistrationRun | None = None

    @property
    def backend(self) -> str:  # type: ignore[override]
        """Name of the program that registers now, or will."""
        return (self._work or self._left[0]).backend

    @property
    def log(self) -> str:
        return "\n".join(filter(None, (super().log, self._work.log if self._work is not None else "")))

    def start(self) -> None:
        self._running = True
        try:
            self._next()
        except MultimodalSegError:
            self._running = False
            raise

    def poll(self) -> bool:
        if self._running and self._work is not None:
            self._work.poll()
        return self._running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        self._left = []
        if self._running and self._work is not None:
            self._work.cancel(wait_s=wait_s)

    def _next(self) -> None:
        if self._work is not None:
            self._log.append(self._work.log)
        self._work = self._left.pop(0)(
            self.reference, self.moving, self.kind, modalities=self.modalities, initial=self.initial
        )
        self._work.progress.connect(self.progress.emit)
        self._work.finished.connect(lambda node: self._end(self.finished, node))
        self._work.failed.connect(self._failed)
        self._work.cancelled.connect(lambda: self._end(self.cancelled))
        self._work.start()

    def _failed(self, kind: str, message: str, hint: str) -> None:
        if kind != MissingPackageError.kind or not self._left:
            self._end(self.failed, kind, message, hint)
            return
        self._tell(0.0, _("{reason} Another program registers.").format(reason=message))
        self._log.append(message)
        try:
            self._next()
        except MultimodalSegError as error:
            self._end(self.failed, error.kind, error.message, error.hint)
