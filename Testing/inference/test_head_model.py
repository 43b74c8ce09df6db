"""The shipped model of the head finds what it found when it was shipped."""

from pathlib import Path

import numpy as np
import pytest
import torch

from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, read_volume
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.registration.transform_file import read_transform

DEMO = Path(__file__).resolve().parents[2] / "Resources" / "demo" / "synthetic"
RECORDED = Path(__file__).parent / "data" / "labels_of_version_0.5.nrrd"
"""Made with version 0.5.0 from the part of the demo case below, in 32 bits."""
PART = (slice(26, 62), slice(56, 134), slice(40, 118))


@pytest.fixture
def part_of_the_demo_case():
    ct, mr = read_volume(DEMO / "CT.nrrd"), read_volume(DEMO / "MR.nrrd")
    k, j, i = (side.start for side in PART)
    origin = (ct.grid.affine @ [i, j, k, 1.0])[:3].tolist()
    size = tuple(side.stop - side.start for side in reversed(PART))
    grid = Grid(size, ct.grid.spacing, tuple(origin), ct.grid.direction)
    mr = resample(mr, grid, read_transform(DEMO / "MR_to_CT_truth.h5"))
    return AlignedCase({"CT": Volume(ct.array[PART].copy(), grid), "MR": mr}, "CT")


def test_the_demo_case_gives_the_labels_of_version_0_5(part_of_the_demo_case, monkeypatch):
    model = load_bundle("head")
    if not model.version.startswith("0.5."):
        pytest.skip("the recorded labels are of the weights of 0.5")
    monkeypatch.setattr("MultimodalSegLib.inference.engines.choose_precision", lambda device: torch.float32)
    labels, recorded = segment(part_of_the_demo_case, model, device="cpu").labels, read_labels(RECORDED)
    assert labels.grid.size == recorded.grid.size
    values = [int(value) for value in np.unique(recorded.array) if value]
    assert len(values) > 35
    scores = dice(labels, recorded, values)
    sizes = np.array([np.count_nonzero(recorded.array == value) for value in values])
    assert np.average([scores[value] for value in values], weights=sizes) > 0.9999
    assert min(scores.values()) > 0.99, scores


def test_its_description_is_of_the_first_format():
    model = load_bundle("head")
    assert model.metadata["format_version"] == 1
    assert model.region == "head" and model.patch is None and model.spacing == (1.5, 1.5, 1.5)
    assert "CT, MR; the head, resampled to 1.5 mm" in model.describe()
