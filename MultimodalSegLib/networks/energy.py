"""Energy by the computer's own counters: processors by RAPL (Linux), an NVIDIA card by NVML.

RAPL counts whole processors with all that runs on them, not one process; measure on an idle computer. Many systems let
only the administrator read it. Where a counter is missing or closed there is no figure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
ZONES = ("package", "dram")
"""Zones that are added up; the others are parts of a package, or a whole computer with it."""


class ProcessorEnergy:
    """Joules that processors and memory have taken since this was made.

    Args:
        root: where Linux tells its counters.

    Example:
        >>> energy = ProcessorEnergy()
        >>> _ = sum(range(10**5))
        >>> joules = energy.joules()      # None without counters
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        self._zones = [zone for zone in sorted(root.glob("*:*")) if _text(zone / "name").startswith(ZONES)]
        self._begin = self._read()

    def joules(self) -> float | None:
        """Joules since the start; None without counters that can be read. A counter may pass its end once."""
        now = self._read()
        known = [zone for zone in now if zone in self._begin]
        return sum(self._since(zone, now) for zone in known) / 1e6 if known else None

    def _since(self, zone: Path, now: Mapping[Path, int]) -> int:
        gone = now[zone] - self._begin[zone]
        return gone if gone >= 0 else gone + int(_text(zone / "max_energy_range_uj") or 0)

    def _read(self) -> dict[Path, int]:
        texts = {zone: _text(zone / "energy_uj") for zone in self._zones}
        return {zone: int(text) for zone, text in texts.items() if text}


class CardEnergy:
    """Joules that an NVIDIA card has taken since this was made; needs nvidia-ml-py and a card from Volta on.

    Args:
        uuid: of the card, as torch tells it; empty for none.
    """

    def __init__(self, uuid: str = "") -> None:
        self._library: Any = None
        self._begin = 0
        if uuid:
            with contextlib.suppress(Exception):  # no package, no driver, or a card that does not count
                import pynvml

                pynvml.nvmlInit()
                self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
                self._begin = pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
                self._library = pynvml

    def joules(self) -> float | None:
        """Joules since the start; None without a counter."""
        if self._library is None:
            return None
        return float(self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle) - self._begin) / 1e3


def _text(path: Path) -> str:
    """Content of a small file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
