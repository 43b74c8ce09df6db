"""Compiled networks that are kept between runs, in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_BYTES = 512 * 2**20
"""So much is kept; what was not used for the longest time goes first. One shape of the student takes 16 MB."""

SUFFIX = ".blob"
_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Where compiled networks are kept: the environment variable ``MMS_CACHE``, else the user's cache folder."""
    if os.environ.get("MMS_CACHE"):
        return Path(os.environ["MMS_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "MultimodalSeg" / "compiled"


@dataclass(frozen=True)
class BlobCache:
    """Files by what they were made from; losing one costs some seconds and nothing else.

    Several processes may use it at once: a file appears whole or not at all. A file whose content is not what was
    written counts as missing. A folder that cannot be written keeps nothing.

    Args:
        folder: made when something is kept.
        limit: bytes of all files together.

    Example:
        >>> cache = BlobCache(cache_folder())
        >>> cache.find({"weights": "0" * 64, "shape": [96, 96, 96]}) is None
        True
    """

    folder: Path
    limit: int = LIMIT_BYTES

    def find(self, key: Mapping[str, Any]) -> bytes | None:
        """What was kept under a key, if it is there and whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, blob = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(blob).digest() != digest:
            self.forget(key)
            return None
        with suppress(OSError):
            os.utime(path)  # used now
        return blob

    def keep(self, key: Mapping[str, Any], blob: bytes) -> None:
        """Keep something, and drop what was not used for the longest time if there is too much."""
        temporary = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(blob).digest() + blob)
            os.replace(temporary, self._path(key))
            self._shrink()
        except OSError:
            with suppress(OSError):
                Path(temporary or self._path(key)).unlink(missing_ok=True)

    def forget(self, key: Mapping[str, Any]) -> None:
        """Drop what was kept under a key."""
        with suppress(OSError):  # another process may hold it open
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: Mapping[str, Any]) -> Path:
        text = json.dumps(key, sort_keys=True)
        return self.folder / (hashlib.sha256(text.encode()).hexdigest()[:40] + SUFFIX)

    def _shrink(self) -> None:
        found = []
        for path in self.folder.glob("*" + SUFFIX):
            with suppress(OSError):  # another process dropped it meanwhile
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found)[:-1]:  # the last used one stays, whatever its size
            if total <= self.limit:
                return
            with suppress(OSError):
                path.unlink()
                total -= size
