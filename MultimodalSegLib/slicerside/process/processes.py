"""Processes of Slicer's Python: which interpreter, with which environment, and how one ends with all it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import MissingPackageError
from ..text import _
from . import failures


def find_python() -> str | None:
    """The Python that runs the library: PythonSlicer in the application, else the running one."""
    found = shutil.which("PythonSlicer")
    if found is None and "python" in Path(sys.executable or "").name.lower():
        found = sys.executable
    return found


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's variables, UTF-8 everywhere, and the folder of this library in front of the search path."""
    library = str(Path(__file__).resolve().parents[3])
    path = [library, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    utf8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)), **utf8, **extra}


def started(
    command: Sequence[str], environment: Mapping[str, str], stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """A process in a group of its own, with pipes for what it writes; ``stdin`` as for :class:`subprocess.Popen`.

    Raises:
        MissingPackageError: there is no such program.
    """
    own_group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        return subprocess.Popen(
            command,
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **own_group,
        )
    except OSError as error:
        raise failures.no_python().error() from error


def answer(
    arguments: Sequence[str], *, timeout_s: float, python: str | None = None
) -> subprocess.CompletedProcess[str]:
    """What Slicer's Python writes when it runs something short; waits for it, so call it in a thread.

    Args:
        arguments: of the interpreter.
        timeout_s: it is ended after so many seconds.
        python: the interpreter; :func:`find_python` if None.

    Raises:
        MissingPackageError: there is no Python to start, or it gave no answer in time.
    """
    interpreter = python or find_python()
    if interpreter is None:
        raise failures.no_python().error()
    try:
        return subprocess.run(
            [interpreter, *arguments],
            env=child_environment({}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
        )
    except OSError as error:
        raise failures.no_python().error() from error
    except subprocess.TimeoutExpired as error:
        raise MissingPackageError(
            _("Python gave no answer within {time:.0f} s.").format(time=timeout_s),
            _("Try again when the computer is less busy; if that does not help, press Repair."),
        ) from error


def kill_family(process: subprocess.Popen[bytes]) -> list[Any]:
    """End a process, its group and all its descendants at once.

    Returns:
        The descendants, as psutil knows them; empty without psutil.
    """
    family: list[Any] = []
    with suppress(ImportError):
        import psutil

        with suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True)
    if hasattr(os, "killpg"):
        with suppress(OSError):  # the group may outlive its first process
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(OSError):
        process.kill()
    for child in family:
        with suppress(Exception):  # it may have ended by itself
            child.kill()
    return family


def lives(process: Any) -> bool:
    """Whether a psutil process is more than an entry that nobody has collected yet."""
    try:
        return bool(process.is_running() and process.status() != "zombie")
    except Exception:  # psutil's own: it has ended in between
        return False
