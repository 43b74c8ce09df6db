"""A volume with synthetic detail, asked in a child process."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...images.io import read_volume
from ...images.volume import Volume
from ..process.question import Question
from ..scene.modality import guess_from_node
from ..scene.nodes import Node
from ..scene.volume_input import volume_input
from ..text import _
from .nrrd import write_nrrd


@dataclass(frozen=True)
class Detailed:
    """What came back.

    Args:
        volume: with synthetic detail; None if there was nothing to do.
        uncertainty: deviation of the samples; None for a single one.
        sentences: what to tell the user.
    """

    volume: Volume | None
    uncertainty: Volume | None
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """How a volume is to be enhanced.

    Args:
        modality: ``"CT"`` or ``"MR"``; what the scene knows of the volume if empty.
        samples: how many are drawn.
        denoise: clean a CT with thin slices.
    """

    modality: str = ""
    samples: int = 1
    denoise: bool = False


class Enhancing(Question):
    """One volume; it is answered with a :class:`Detailed`.

    Args:
        node: the volume.
        wanted: how.
        device: where the child computes.
        python: see :class:`~MultimodalSegLib.slicerside.process.question.Question`.

    Raises:
        InputError: the volume has no voxels that can be used.
    """

    def __init__(
        self, node: Node, wanted: Wanted = Wanted(), device: str = "auto", *, python: str | None = None
    ) -> None:
        entry = volume_input(node)
        self._folder = tempfile.TemporaryDirectory(prefix="MultimodalSeg-enhance-")
        file, out = Path(self._folder.name) / "scan.nrrd", Path(self._folder.name) / "out"
        write_nrrd(entry.array, entry.grid, file)
        asked = ["enhance", str(file), "--out", str(out), "--modality", wanted.modality or guess_from_node(node)]
        asked += ["--samples", str(wanted.samples), "--device", device, *(["--denoise"] if wanted.denoise else [])]
        super().__init__(asked, python=python)

    def tidy(self) -> None:
        self._folder.cleanup()

    def loaded(self, told: Mapping[str, Any]) -> Detailed:
        sentences = tuple(map(str, told["warnings"]))
        if not told["changed"]:
            return Detailed(None, None, sentences)
        volume = read_volume(told["volume"])
        uncertainty = read_volume(told["uncertainty"]) if told["uncertainty"] else None
        text = _(
            "Done in {seconds:.0f} s. The detail is synthetic: look at it, do not measure it. The slices it would give "
            "differ from those measured by {rms:.3g}; their noise is {noise:.3g}."
        ).format(seconds=told["seconds"], rms=told["consistency_rms"], noise=told["noise"])
        return Detailed(volume, uncertainty, (text, *sentences))
