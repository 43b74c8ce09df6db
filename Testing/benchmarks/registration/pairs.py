"""Pairs of volumes to be registered, as files, with what is known about their alignment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume

POINTS = 2000
BRIGHTEST = 4000.0
Made = tuple[Volume, Volume, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Two volumes that can be made again at any time.

    Args:
        name: unique, also the name of its folder.
        group: the set it belongs to.
        modalities: of the fixed and of the moving volume.
        judged: ``"truth"``: by the known transform; ``"undone"``: the known motion is undone, and a tool's results in
            the group are compared with each other; ``"round trip"``: there and back.
        make: gives the fixed and the moving volume, the known 4x4 transform (fixed to moving points, LPS mm) and points
            (n, 3) of the fixed volume at which errors count.
    """

    name: str
    group: str
    modalities: tuple[str, str]
    judged: str
    make: Callable[[], Made]

    def write(self, folder: Path) -> Path:
        """Volumes as int16 NIfTI, points and description in a folder of the pair's own."""
        place = folder / self.name
        place.mkdir(parents=True, exist_ok=True)
        fixed, moving, known, points = self.make()
        for name, volume, modality in zip(("fixed", "moving"), (fixed, moving), self.modalities, strict=True):
            scale = 1.0 if modality == "CT" else BRIGHTEST / max(1e-6, float(volume.array.max()))
            array = np.rint((volume.array * scale).clip(-32000, 32000)).astype(np.int16)
            sitk.WriteImage(volume.with_array(array).to_sitk(), str(place / f"{name}.nii"))
        np.save(place / "points.npy", points)
        entry = {"modalities": self.modalities, "judged": self.judged, "group": self.group, "known": known.tolist()}
        (place / "pair.json").write_text(json.dumps(entry), encoding="utf-8")
        return place


def spread(mask: Volume, seed: int = 0) -> np.ndarray:
    """Points (n, 3) spread over a mask, LPS mm."""
    index = np.argwhere(mask.array)
    chosen = np.random.default_rng(seed).choice(len(index), min(POINTS, len(index)), replace=False)
    return index[chosen][:, ::-1] @ mask.grid.affine[:3, :3].T + mask.grid.affine[:3, 3]


def moved(volume: Volume, motion: np.ndarray) -> Volume:
    """The same scan of a patient who lies elsewhere: only the header changes."""
    affine = motion @ volume.grid.affine
    direction = tuple((affine[:3, :3] / volume.grid.spacing).ravel().tolist())
    x, y, z = (float(value) for value in affine[:3, 3])
    return Volume(volume.array, Grid(volume.grid.size, volume.grid.spacing, (x, y, z), direction))
