"""Work in a thread whose result is told in the main thread, by whoever polls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...errors import MultimodalSegError
from ..signal import Signal
from ..text import _


class Background:
    """Calls a function that touches no node in a thread, so that the application stays usable.

    Signals, from :meth:`poll`, one of: ``finished(result)``, ``failed(kind, message, hint)``.

    Args:
        work: the function, without arguments; it cannot be interrupted.

    Example:
        >>> work = Background(lambda: 6 * 7)
        >>> work.finished.connect(print)
        >>> work.start()
        >>> work.wait()
        42
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self.finished, self.failed = Signal(), Signal()
        self._function = work
        self._result: Any = None
        self._error: Exception | None = None
        self._over = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin; call it once."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the result is still to be told."""
        return self._thread.ident is not None and not self._over

    def poll(self) -> bool:
        """Tell the result once it is there; True while it is not."""
        if self._over or self._thread.ident is None:
            return False
        if self._thread.is_alive():
            return True
        self._over = True
        if self._error is None:
            self._tell(self._result)
        elif isinstance(self._error, MultimodalSegError):
            self.failed.emit(self._error.kind, self._error.message, self._error.hint)
        else:
            message = _("Something went wrong that should not: {reason}").format(reason=repr(self._error))
            self.failed.emit("internal", message, _("Please report this."))
        return False

    def cancel(self) -> None:
        """Nobody wants to know anymore; the function goes on unheard."""
        self._over = True

    def wait(self) -> None:
        """Wait for the result and tell it, for scripts and tests."""
        if self._thread.ident is None:
            self.start()
        self._thread.join()
        self.poll()

    def _tell(self, result: Any) -> None:
        self.finished.emit(result)

    def _work(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error
