"""What the computer and the installation are: versions, memory, so that a run can say where it was made."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import sys
import time
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "monai", "SimpleITK", "numpy", "scipy", "safetensors")
"""Distributions whose versions can change a result."""


def version_of(package: str) -> str | None:
    """Version of an installed distribution, or None; nothing is imported."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Versions that belong to a result: this library, Python, the platform and :data:`PACKAGES`."""
    from . import __version__

    found = {"MultimodalSeg": __version__, "python": platform.python_version(), "platform": platform.platform()}
    return found | {name: version_of(name) or "missing" for name in PACKAGES}


def peak_memory_mb() -> float:
    """Highest resident memory of this process so far, in MiB."""
    own = linux_memory_mb("VmHWM")
    if own is not None:
        return round(own, 1)
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return round(psutil.Process().memory_info().peak_wset / 1024**2, 1)
    per_mib = 1024**2 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mib, 1)


def linux_memory_mb(field: str) -> float | None:
    """``VmRSS`` (now) or ``VmHWM`` (highest) of this process in MiB as Linux tells it, None elsewhere.

    ``ru_maxrss`` will not do there: a process that a larger one starts inherits what that one held.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), None)


def give_memory_back() -> None:
    """Hand freed memory back to the system where glibc keeps it, as after many volumes of middling size."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def usable_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_graphics_card() -> bool:
    """Whether an NVIDIA driver is loaded; whether torch can use the card is another question."""
    if sys.platform == "win32":
        return Path("C:/Windows/System32/nvcuda.dll").is_file()
    return any(Path("/proc/driver/nvidia/gpus").glob("*"))


def graphics_cards() -> int:
    """NVIDIA cards that this process may use; 1 on Windows, where they are not counted."""
    if not has_graphics_card():
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return 1 if sys.platform == "win32" else len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def computes_on_card() -> bool:
    """Whether there is a card and a torch that was built for it; torch, which is slow to import, is not."""
    try:
        found = importlib.util.find_spec("torch")
    except ValueError:  # torch is a stand-in without a specification
        found = None
    if not has_graphics_card() or found is None or found.origin is None:
        return False
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b.*=\s*['\"]", text, re.MULTILINE) is not None


def timestamp() -> str:
    """The time now with its zone, as ISO 8601 has it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
