"""Why a child process gave no result, in one sentence, and what the user of the panel can do about it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import Cancelled, MultimodalSegError
from ..text import _

KILLED = {-9, 137}
"""Exit codes of a process that was ended from outside at once; without a user, that is the system short of memory."""

CRASHED = {-4, -6, -7, -8, -11, 132, 134, 135, 136, 139, 0xC0000005, 0xC000001D, 0xC00000FD, 0xC0000409}
"""Exit codes of a process that ended inside native code (POSIX signals; Windows access violation and the like)."""

STOPPED = {-1, -2, -3, -15, 129, 130, 131, 143, 0xC000013A}
"""Exit codes of a process that was asked to end from outside."""

NO_MEMORY = {0xC0000017, 0xC000012D}
"""Windows: no memory, commitment limit."""

MEMORY_SIGNS = (
    "out of memory",
    "OutOfMemoryError",
    "MemoryError",
    "bad_alloc",
    "Cannot allocate memory",
    "DefaultCPUAllocator",
)
NO_MODULE = re.compile(r"No module named '?([\w.]+)")


@dataclass(frozen=True)
class Failure:
    """What is shown: ``kind`` as in :mod:`MultimodalSegLib.errors`, one sentence, and one that says what to do."""

    kind: str
    message: str
    hint: str

    def error(self) -> MultimodalSegError:
        """The same as the error that a script catches."""
        classes = {c.kind: c for c in MultimodalSegError.__subclasses__()}
        error = classes.get(self.kind, MultimodalSegError)(self.message, self.hint)
        error.kind = self.kind
        return error


def told(kind: str, message: str, hint: str = "") -> Failure:
    """A failure that the child has told; hints that speak of the command line are put in the panel's words."""
    ways = _ways_out()
    if kind in ("memory", "package", Cancelled.kind):
        hint = ways[kind]
    elif "--" in hint or not hint:
        hint = ways.get(kind, ways["internal"])
    return Failure(kind, message, hint)


def from_exit(code: int, lines: Sequence[str]) -> Failure:
    """A failure of a child that ended without a word.

    Args:
        code: exit code; negative for a signal, as Python gives it.
        lines: the last lines it wrote, oldest first.
    """
    ways, text = _ways_out(), "\n".join(lines)
    unsigned = code & 0xFFFFFFFF if code < -64 else code  # Windows codes may come signed
    missing = NO_MODULE.search(text)
    if missing:
        message = _("The package {name} is missing in Slicer's Python.").format(name=missing.group(1))
        return Failure("package", message, ways["package"])
    if unsigned in NO_MEMORY or any(sign in text for sign in MEMORY_SIGNS):
        return Failure("memory", _("The memory is not enough for this case."), ways["memory"])
    if unsigned in KILLED:
        message = _("The system has ended the run, most likely because the memory was not enough.")
        return Failure("memory", message, ways["memory"])
    if unsigned in STOPPED:
        return Failure(Cancelled.kind, _("The run was stopped from outside."), ways[Cancelled.kind])
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if unsigned in CRASHED:
        message = _("The run has crashed (exit code {code}).").format(code=code)
    else:
        message = _("The run has ended without a result (exit code {code}).").format(code=code)
    return Failure("internal", f"{message} {_sentence(last)}".strip(), ways["internal"])


def from_exception(error: BaseException) -> Failure:
    """A failure of the application's own part of the work."""
    if isinstance(error, MultimodalSegError):
        return told(error.kind, error.message, error.hint)
    if isinstance(error, MemoryError):
        return Failure("memory", _("The memory is not enough for this case."), _ways_out()["memory"])
    if isinstance(error, OSError):
        message = _("A file cannot be read or written: {reason}.").format(reason=error.strerror or error)
        return Failure("output", message, _ways_out()["output"])
    message = _("The program has failed unexpectedly ({reason}).").format(reason=f"{type(error).__name__}: {error}")
    return Failure("internal", message, _ways_out()["internal"])


def _ways_out() -> dict[str, str]:
    return {
        "input": _("Choose other volumes, or correct their modalities."),
        "output": _("Free some space in the temporary folder, or choose another one in the application settings."),
        "model": _("Choose another model, or load this one again."),
        "registration": _("Check that both volumes show the same part of the same patient, or choose a transform."),
        "memory": _("Choose a smaller region of interest or a smaller model, close other programs, or use the CPU."),
        "package": _("Install or repair the packages in the section Settings."),
        "cluster": _("Start again, with fewer cases at once."),
        "cancelled": _("Press Apply to start again."),
        "internal": _("Copy the log and report it to the developers."),
    }


def _sentence(line: str) -> str:
    return _("Its last words: {line}").format(line=line[:300]) if line else ""


def no_python() -> Failure:
    """There is no Python that could be started."""
    message = _("No Python was found to run the segmentation ({executable}).").format(executable=sys.executable)
    return Failure("package", message, _("Install 3D Slicer again: PythonSlicer belongs beside it."))
