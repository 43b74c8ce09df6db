"""Files that are there whole or not at all, and one sentence for why a file cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file under a hidden name beside it, which becomes its own at the end.

    Args:
        path: the file; an earlier one is replaced, or stays as it is if there is an error.

    Yields:
        Where to write, with the same ending.

    Raises:
        OSError: it cannot be written.

    Example:
        >>> with whole_file(Path("runs/notes.txt")) as partial:     # doctest: +SKIP
        ...     partial.write_text("all of it")
    """
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small file so that it is never half there.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.", "Check the folder and its rights.") from error


def check_folder(path: Path) -> None:
    """Refuse before long work a folder that could not be made or written after it; nothing is made.

    Raises:
        OutputError: it or a part of its path is a file, or the place may not be written to.
    """
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not there.is_dir():
        raise OutputError(f"{path} cannot be made: {there} is a file, not a folder.", "Choose another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: no rights.", "Choose a folder in which you may write.")


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Say in one sentence why a file of a run cannot be written.

    Args:
        path: the file or folder to name.

    Raises:
        OutputError: the system refused something inside.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = "Free some space or choose a folder on another disk, then go on with --resume."
            raise OutputError(f"{path} cannot be written: the disk is full.", hint) from error
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.", "Choose a folder in which you may write."
        ) from error
