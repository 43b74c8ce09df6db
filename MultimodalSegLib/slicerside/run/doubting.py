"""The question how sure a result is: asked in a child process, answered with intervals, flags and maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..process.question import Question
from ..scene.tables import columns_of
from ..text import _


@dataclass(frozen=True)
class Doubt:
    """What was found.

    Args:
        measurements: columns of the table of structures, with an interval for each volume.
        sentences: what to tell the user.
    """

    measurements: Mapping[str, Sequence[str]]
    sentences: Sequence[str]


class Doubting(Question):
    """One question how sure; it is answered with a :class:`Doubt`. Maps are in the run folder then.

    Args:
        folder: the run folder.
        device: where to compute.
        threads: processor threads; the library's own choice if None.
        memoryLimitMb: what a run of the network may take; all free memory if None.
        python: see :class:`~MultimodalSegLib.slicerside.process.question.Question`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        threads: int | None = None,
        memoryLimitMb: int | None = None,
        python: str | None = None,
    ) -> None:
        asked = ["uncertainty", str(folder), "--device", device]
        asked += ["--threads", str(threads)] if threads is not None else []
        asked += ["--memory-limit", str(memoryLimitMb)] if memoryLimitMb is not None else []
        super().__init__(asked, python=python)
        self._folder = folder

    def loaded(self, told: Mapping[str, Any]) -> Doubt:
        volumes = dict(told["summary"]).get("volumes", {}).values()
        levels = {row["level"] for row in volumes} - {None}
        flags = [str(flag["sentence"]) for flag in told.get("flags", ())] or [_("No quality flags.")]
        return Doubt(columns_of(self._folder / "measurements.csv"), (_promise(levels), *flags))


def _promise(levels: set[float]) -> str:
    """What the columns of low and high volumes are."""
    if not levels:
        return _("Low and high volumes in the table are the range of the samples: nobody knows how often it is right.")
    text = _("Low and high volumes in the table are {level:.0f} % intervals, fitted to made-up cases.")
    return text.format(level=100 * max(levels))
