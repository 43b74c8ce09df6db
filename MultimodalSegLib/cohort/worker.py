"""What a worker may use for a case, and whether it runs the same programs as whoever started the cohort."""

from __future__ import annotations

import os
import platform
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from ..machine import computes_on_card, graphics_cards, usable_processors, version_of, versions
from .options import CohortOptions

MEMORY_SHARE = 0.8
"""Part of a worker's memory up to which it takes work; Dask pauses it from there on and ends it at 0.95."""

SAME = ("dask", "distributed")
"""Packages that must be the same on every machine, beside those of :func:`~MultimodalSegLib.machine.versions`."""


@dataclass(frozen=True)
class Share:
    """A worker's part of its machine.

    Args:
        device: for the network.
        threads: of the processor.
        limit_mb: memory of the worker's process, MiB; None where nobody limits it.
    """

    device: str
    threads: int
    limit_mb: float | None = None

    def memory_mb(self) -> int | None:
        """What the network may take beyond what the process holds now, MiB."""
        if self.limit_mb is None:
            return None
        import psutil

        held = psutil.Process().memory_info().rss / 2**20
        return max(1, int(MEMORY_SHARE * self.limit_mb - held))


def compared_versions() -> tuple[tuple[str, str], ...]:
    """Everything that must be the same on every machine: packages, and Python's major and minor version."""
    found = versions() | {name: version_of(name) or "missing" for name in SAME}
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    found.pop("platform")
    return tuple(sorted(found.items()))


def differences(expected: tuple[tuple[str, str], ...], found: tuple[tuple[str, str], ...]) -> list[str]:
    """What differs, as words: ``"torch 2.8.0 instead of 2.13.0"``."""
    there = dict(found)
    return [
        f"{name} {there.get(name, 'missing')} instead of {version}"
        for name, version in expected
        if there.get(name) != version
    ]


def refuse(worker: str, wrong: list[str]) -> ClusterError:
    """The error for a worker that is not like the program that started the cohort."""
    return ClusterError(
        f"The worker {worker} has {', '.join(wrong)}.",
        "Install the same versions on every machine; results of different ones cannot be compared.",
    )


def look(marker: str) -> dict[str, Any]:
    """What a worker says of itself; run on each before the first case.

    Ctrl-C in a terminal reaches every process there; workers leave it to the one that started the cohort.

    Args:
        marker: a file in the cohort's folder, which a worker must see under the same path.
    """
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return {"host": socket.gethostname(), "versions": compared_versions(), "sees": Path(marker).is_file()}


def share(
    expected: tuple[tuple[str, str], ...], neighbours: tuple[tuple[str, int], ...], options: CohortOptions
) -> Share:
    """This worker's part of its machine.

    Args:
        expected: versions of whoever started the cohort; nothing is compared if empty.
        neighbours: workers by host name.
        options: what was asked for.

    Raises:
        ClusterError: other versions.
    """
    name, limit = _dask_worker()
    wrong = differences(expected, compared_versions()) if expected else []
    if wrong:
        raise refuse(f"{socket.gethostname()}:{os.getpid()}", wrong)
    workers = dict(neighbours).get(socket.gethostname(), 1)
    threads = options.threads or max(1, usable_processors() // workers)
    return Share(_device(options.device, name), threads, options.memory_limit_mb or limit)


def _dask_worker() -> tuple[Any, float | None]:
    """Name and memory limit (MiB) of the Dask worker that this is, if it is one."""
    try:
        from distributed import get_worker

        worker = get_worker()
    except (ImportError, ValueError):
        return None, None
    limit = worker.memory_manager.memory_limit
    return worker.name, limit / 2**20 if limit else None


def _device(wanted: str, name: Any) -> str:
    """A card of its own for each of the numbered workers of one machine."""
    cards = graphics_cards()
    several = cards > 1 and isinstance(name, int)
    return (
        f"cuda:{name % cards}" if several and (wanted == "cuda" or wanted == "auto" and computes_on_card()) else wanted
    )


def neighbours_of(found: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, int], ...]:
    """Workers by host name, from what :func:`look` found on each."""
    hosts = [str(entry["host"]) for entry in found.values()]
    return tuple((host, hosts.count(host)) for host in sorted(set(hosts)))
