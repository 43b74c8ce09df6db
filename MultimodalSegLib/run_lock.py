"""One program at a time changes a finished run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

PATIENCE_S = 600.0
"""Longer than any change of a run takes on a slow computer."""


@contextmanager
def changing(run: Path | str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Wait until no other program of this computer changes a run, and keep them off meanwhile.

    ``run.json`` is read, added to and written whole: of two programs that do so at once one would lose its work. Read
    the run inside. The lock lies with the temporary files, not in the run, and a program that dies leaves none.

    Args:
        run: the run folder.
        patience_s: seconds to wait.

    Raises:
        OutputError: another program still works on the run after that time.
    """
    from filelock import FileLock, Timeout

    whose = os.getuid() if hasattr(os, "getuid") else 0  # another user's lock cannot be opened
    name = hashlib.sha256(os.fsencode(Path(run).resolve())).hexdigest()[:32]
    lock = FileLock(Path(tempfile.gettempdir()) / f"multimodalseg-{whose}-{name}.lock", timeout=patience_s)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(f"Another program still works on {run}.", "Wait until it has ended, or stop it.") from error
    try:
        yield
    finally:
        lock.release()
