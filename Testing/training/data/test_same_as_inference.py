"""What a network is trained on is what it sees of a patient: the same grid, the same intensities."""

from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.case import Case
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.normalization import Normalization
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.registration.align import align
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.prepare import Preparation, prepare
from Testing.handmade import a_sphere, threshold_model
from Testing.training.data.trees import write

OBLIQUE = Grid((40, 36, 14), (1.2, 1.2, 4.0), (-20.0, 10.0, -20.0), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
WINDOW = Normalization("window", low=-150.0, high=250.0)


@pytest.mark.parametrize("mr", [Normalization("zscore"), Normalization("robust", clahe=True)])
@pytest.mark.parametrize("patch", [None, [9, 40, 48]])
def test_a_case_looks_the_same(tmp_path: Path, mr: Normalization, patch: list[int] | None) -> None:
    volumes = {
        "CT": a_sphere(OBLIQUE, (-10.0, 30.0, 5.0), 12.0, 130, -30),
        "T1": a_sphere(Grid((30, 40, 30), (1.5, 1.5, 2.0), (-30.0, 5.0, -22.0)), (-10.0, 30.0, 5.0), 12.0, 700, 200),
    }
    files = {name: ImageFile(write(volume, tmp_path / f"{name}.nrrd")) for name, volume in volumes.items()}
    preparation = Preparation((1.5, 1.5, 5.0), ("CT", "MR"), "none", {"CT": WINDOW, "MR": mr})
    trained = prepare(TrainingCase("a", "a", files, None), (), (), preparation)

    entries = preparation.metadata()
    families = entries.pop("modality_families")
    bundle = threshold_model(tmp_path / "model", families, **entries, **({"patch": patch} if patch else {}))
    images = network_view(bundle, align(Case(volumes, "CT"), "none").volumes).images.numpy()
    margins = [(large - small) // 2 for large, small in zip(images.shape[1:], trained.grid.shape, strict=True)]
    inside = tuple(slice(m, m + n) for m, n in zip(margins, trained.grid.shape, strict=True))
    np.testing.assert_allclose(images[(slice(None), *inside)], trained.images, atol=1e-5)
    if patch:
        assert all(
            large == max(small, p) for large, small, p in zip(images.shape[1:], trained.grid.shape, patch, strict=True)
        )
