"""Child processes of a test."""

from collections.abc import Iterator

import psutil

OF_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Stay for as long as the tests run, whichever of them needed one first."""


def children() -> list[psutil.Process]:
    """Processes that this one has started and that are still there, but for those that Python keeps for itself."""
    return list(_children())


def _children() -> Iterator[psutil.Process]:
    for child in psutil.Process().children(recursive=True):
        try:
            ended, command = child.status() == psutil.STATUS_ZOMBIE, " ".join(child.cmdline())
        except psutil.NoSuchProcess:
            continue
        if not ended and not any(name in command for name in OF_PYTHON):
            yield child
