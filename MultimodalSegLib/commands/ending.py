"""How a command ends early: errors in one sentence with their exit code, and Ctrl-C within seconds in every stage."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from ..errors import Cancelled, MultimodalSegError, OutOfMemoryError
from ..progress import Event, Progress
from ..run_folder import LOG, RECORD, RunFolder
from .listeners import Listener

GRACE_S = 2.0
"""A long step in C++ cannot be interrupted, so the process is left at once if no event comes for so long."""


STOPPED = "Stopped; what was finished is kept."
RESUME = "The same command with --resume goes on."

OVER = b"\0"
"""What ends the watch for signals; no signal has this number."""


class InternalError(MultimodalSegError):
    """A defect of the program."""

    kind = "internal"


class Stop:
    """Whether the user asked to stop; as a progress listener it ends the work at the next event."""

    def __init__(self, progress: Progress, hint: str = "") -> None:
        self.progress, self.hint = progress, hint
        self.requested = threading.Event()

    def __call__(self, event: Event) -> None:
        if self.requested.is_set():
            raise Cancelled(STOPPED, self.hint)
        self.progress(event)


@contextmanager
def ending(listener: Listener, out: Path | None = None, grace_s: float = GRACE_S, hint: str = "") -> Iterator[Progress]:
    """Run a command's work: tell its errors, and stop on SIGINT (Ctrl-C) or SIGTERM.

    Args:
        listener: is told the error.
        out: the run folder, which is marked as stopped and gets the log of an unexpected error.
        grace_s: after so many seconds without an event the process is left at once.
        hint: how to go on after a stop; with a run folder --resume, if nothing is said.

    Yields:
        The progress listener to give to the work.

    Raises:
        typer.Exit: with the exit code of the error.
    """
    hint = hint or (RESUME if out is not None else "")
    try:
        with _signals(listener, out, grace_s, hint) as stop:
            yield stop
    except typer.Exit:
        raise
    except (Exception, KeyboardInterrupt) as error:
        shown = shown_error(error, out, hint)
        with suppress(MultimodalSegError):  # nobody may be listening anymore
            listener.error(shown)
        raise typer.Exit(shown.exit_code) from error
    finally:
        listener.close()


@contextmanager
def _signals(listener: Listener, out: Path | None, grace_s: float, hint: str) -> Iterator[Stop]:
    """Watch for signals from a second thread, because Python's own handlers wait until C++ code returns."""
    stop, over = Stop(listener, hint), threading.Event()
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    wanted = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, lambda *_: None) for number in wanted}
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        while (number := reading.recv(1)) != OVER:
            if number[0] in wanted:
                stop.requested.set()
                if not over.wait(grace_s):
                    _leave_at_once(listener, out, hint)
                return

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        over.set()
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        writing.send(OVER)  # closing is not enough: a forked worker process holds a copy of the socket
        watcher.join()
        writing.close()
        reading.close()


def _leave_at_once(listener: Listener, out: Path | None, hint: str) -> None:
    """End the process while the main thread is busy; whole files stay, half-written ones go."""
    with suppress(Exception):
        listener.close()
    with suppress(Exception):
        if out is not None:
            run = RunFolder.open(out)
            if run.status == "running" and run.record.get("pid") == os.getpid():
                run.end("stopped")
    with suppress(Exception):
        listener.error(Cancelled(STOPPED, hint))
    os._exit(Cancelled.exit_code)


def shown_error(error: BaseException, out: Path | None, hint: str = "") -> MultimodalSegError:
    """The error as it is told to a person or program."""
    if isinstance(error, MultimodalSegError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Cancelled(STOPPED, hint)
    if isinstance(error, MemoryError):
        return OutOfMemoryError(
            "The memory is not enough for this case.", "Close other programs or set --memory-limit."
        )
    text = "".join(traceback.format_exception(error))
    try:
        log = out / LOG if out is not None and (out / RECORD).is_file() else _temporary_log()
        log.write_text(text, encoding="utf-8")
        where = f"The details are in {log}; please report it with this file."
    except OSError:
        where = f"Please report it: {text.splitlines()[-1]}"
    return InternalError(f"The program has failed unexpectedly ({type(error).__name__}: {error}).", where)


def _temporary_log() -> Path:
    handle, name = tempfile.mkstemp(prefix="multimodalseg-", suffix=".log")
    os.close(handle)
    return Path(name)
