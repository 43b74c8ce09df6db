"""Registers the moving volumes of a request by a module of the application, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from ..registration import backend
from ..registration.running import RegistrationRun, remove
from ..scene.landmarks import start_node
from ..scene.nodes import Node
from ..signal import Signal
from .request import Request


class Registrations:
    """All registrations of a request as one piece of work; nothing here waits.

    Signals, from :meth:`poll`: ``progress(RunProgress)`` and one of ``finished(dict)`` with the transform node of each
    volume, ``failed(kind, message, hint)`` and ``cancelled()``; after the last two no transform is left in the scene.

    Args:
        request: of the run.

    Raises:
        InputError: a volume cannot be used, or the backend is not available.
    """

    def __init__(self, request: Request) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self._request, self._waiting = request, list(request.unaligned)
        self._found: dict[str, Node] = {}
        self._work: RegistrationRun | None = None
        self._fit: Node | None = None  # the transform of landmarks from which the present one starts
        self._over = False

    @property
    def running(self) -> bool:
        """Whether the end is still to be told."""
        return not self._over

    @property
    def log(self) -> str:
        """What the backend wrote last."""
        return self._work.log if self._work is not None else ""

    def poll(self) -> bool:
        """Go on; True while there is something to do."""
        if self._work is None and not self._over:
            self._next()
        elif self._work is not None:
            self._work.poll()
        return self.running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        """Stop."""
        if self._work is not None and self._work.running:
            self._work.cancel(wait_s=wait_s)
        else:
            self._stop(self.cancelled.emit)

    def _next(self) -> None:
        request, name = self._request, self._waiting[0]
        modality, reference = request.reference
        pairs = request.landmarks.get(name)
        self._fit = start_node(pairs, reference) if pairs is not None else None
        work = backend.registration_run(
            reference,
            request.moving[name],
            request.registration,
            backend=request.backend,
            modalities=(modality, name),
            initial=self._fit,
        )
        work.progress.connect(self.progress.emit)
        work.finished.connect(self._registered)
        work.failed.connect(lambda *failure: self._stop(lambda: self.failed.emit(*failure)))
        work.cancelled.connect(lambda: self._stop(self.cancelled.emit))
        self._work = work
        work.start()

    def _registered(self, transform: Node) -> None:
        self._found[self._waiting.pop(0)] = transform
        remove(self._fit)
        if self._waiting:
            self._work = None
        else:
            self._over = True
            self.finished.emit(self._found)

    def _stop(self, tell: Callable[[], None]) -> None:
        if self._over:
            return
        self._over = True
        for node in (*self._found.values(), self._fit):
            remove(node)
        tell()
