"""What the modalities contributed to a run, with networks of which it is known what they look at."""

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from torch import nn

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.networks.outputs import FusionOutput
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.restore import FinishedRun, open_run
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.stages.contributions import ContributionOptions, run_contributions
from Testing.handmade import a_sphere, distance, threshold_model

GRID = Grid((40, 36, 24), (2.0, 2.0, 3.0), (-39.0, -35.0, -34.5))
WINDOW = {"kind": "window", "low": -150, "high": 250}
AS_IT_IS = {"preprocessing": {"CT": WINDOW, "MR": WINDOW}, "region": "volume"}
ONE = ContributionOptions(device="cpu", threads=1)


def ball(center=(0.0, 0.0, 0.0), radius=18.0):
    return a_sphere(GRID, center, radius, 130, -30)


def the_map(path):
    """A map, which may be the same everywhere: no such volume is accepted as an input."""
    return Volume.from_sitk(sitk.ReadImage(str(path)))


def finished(bundle, volumes, folder):
    """A run of volumes that share a grid, segmented and left in a run folder."""
    aligned = AlignedCase(volumes, next(iter(volumes)))
    run = RunFolder.create(folder, {"inputs": {name: {} for name in volumes}, "reference": aligned.reference})
    return FinishedRun(run, bundle, aligned, segment(aligned, bundle, device="cpu", threads=1))


class Seer(nn.Module):
    """Sees bones (class 1) in the CT (family 0) and lesions in the MRI (family 1), each where the image is bright.

    What it is not given it does not miss: there is no bone without a CT and no lesion without an MRI.
    """

    def forward(self, images, present, modality):
        batch, count, *space = images.shape
        bright = {int(modality[0, n]): 8 * images[:, n] for n in range(count) if bool(present[0, n])}
        nothing = images.new_full((batch, *space), -9.0)
        bone, lesion = bright.get(0, nothing), bright.get(1, nothing)
        cells = [-(-n // 8) for n in space]
        weights = (torch.arange(1.0, count + 1) / sum(range(1, count + 1))).view(1, count, 1, 1, 1)
        structures = torch.stack([torch.zeros_like(bone), bone], 1)
        return FusionOutput(
            structures, bone[:, None][:, :0], lesion[:, None], lesion.amax((1, 2, 3)), weights.expand(1, count, *cells)
        )


class SeerBundle(Bundle):
    def network(self):
        return Seer().eval()


@pytest.fixture
def seer(tmp_path):
    """A bundle of that network, with a lesion class."""
    made = threshold_model(tmp_path / "seer", ["CT", "MR"], **AS_IT_IS)
    lesion = {"name": "lesion", "value": 600, "color": [255, 0, 0], "terminology": "", "group": "lesion"}
    network = {**made.metadata["network"], "lesion": True, "side": False}
    return SeerBundle(made.path, {**made.metadata, "lesion": lesion, "network": network})


@pytest.fixture
def two_lesions():
    """An MRI with a large and a small bright ball."""
    away = np.minimum(distance(GRID, (-18.0, 0.0, 0.0), 12.0), distance(GRID, (18.0, 0.0, 0.0), 7.0))
    noise = np.random.default_rng(0).normal(0, 1, GRID.shape)
    return Volume((np.where(away < 0, 130, -30) + noise).astype(np.float32), GRID)


def test_two_volumes_that_show_the_same_share_equally(tmp_path):
    """The whole way: a run of the command line's pipeline, opened again, with a real network."""
    model = threshold_model(tmp_path / "model", ["CT", "MR"], **AS_IT_IS)
    for name in ("CT", "MR"):
        write_volume(ball(), tmp_path / f"{name}.nrrd")
    volumes = {name: tmp_path / f"{name}.nrrd" for name in ("CT", "MR")}
    run_segment(SegmentOptions(volumes, tmp_path / "run", model=str(model.path), registration="none", threads=1))
    run, events = open_run(tmp_path / "run"), []
    (entry,) = run_contributions(run, ONE, events.append)
    assert entry.score > 0.75 and entry.found > 0.95
    assert entry.shapley["CT"] == pytest.approx(entry.shapley["MR"], abs=1e-4)
    assert sum(entry.shapley.values()) == pytest.approx(entry.score, abs=1e-6)
    assert entry.alone == pytest.approx(entry.without, abs=1e-3)

    folder = run.folder.path / "explanation"
    rows = list(csv.DictReader((folder / "contributions.csv").open(encoding="utf-8")))
    assert [(row["structure"], row["value"], row["modality"]) for row in rows] == [
        ("Organ 1", "7", "CT"),
        ("Organ 1", "7", "MR"),
    ]
    assert json.loads((folder / "contributions.json").read_text(encoding="utf-8"))["sentences"] == []
    assert Image.open(folder / "contributions.png").size[0] > 500
    for name in ("CT", "MR"):
        weights = the_map(folder / f"fusion.{name}.nrrd")
        assert weights.grid == run.aligned.grid and weights.array.dtype == np.float32
        np.testing.assert_allclose(weights.array[4:-4, 4:-4, 4:-4], 0.5, atol=1e-3)
    record = RunFolder.open(run.folder.path)
    assert record.has("contributions") and record.record["contributions"]["network_runs"] == 3
    assert len(record.record["stages"]["contributions"]["files"]) == 5
    assert events[0].done == 0 and events[-1].done == events[-1].total
    open_run(tmp_path / "run")  # the folder is still whole
    again = run_contributions(run, ONE)
    assert again[0].shapley == entry.shapley, "the same points are asked again"


def test_a_modality_that_does_nothing_gets_nothing_and_lesions_are_told_one_by_one(seer, two_lesions, tmp_path):
    run = finished(seer, {"CT": ball((0.0, 8.0, 0.0), 25.0), "MR": two_lesions}, tmp_path / "run")
    found = {entry.part.name: entry for entry in run_contributions(run, ONE)}
    assert list(found) == ["Organ 1", "Lesion", "Lesion 1", "Lesion 2"]
    assert abs(found["Organ 1"].shapley["MR"]) < 1e-3 and found["Organ 1"].shapley["CT"] > 0.8
    for name in ("Lesion", "Lesion 1", "Lesion 2"):
        assert abs(found[name].shapley["CT"]) < 1e-3 and found[name].without["MR"] < 1e-3
        assert sum(found[name].shapley.values()) == pytest.approx(found[name].score, abs=1e-6)
    told = json.loads((run.folder.path / "explanation" / "contributions.json").read_text(encoding="utf-8"))["sentences"]
    assert told == [
        "Without the MRI lesion 1 would be missed.",
        "Without the MRI lesion 2 would be missed.",
        "Without the CT these structures would be missed: Organ 1.",
    ]
    weights = the_map(run.folder.path / "explanation" / "fusion.MR.nrrd")
    np.testing.assert_allclose(weights.array[weights.array > 0], 2 / 3, atol=1e-4)


def test_one_modality_alone_and_three_volumes_of_two_families(seer, two_lesions, tmp_path):
    (entry, *_) = run_contributions(finished(seer, {"MR": two_lesions}, tmp_path / "one"), ONE)
    assert entry.shapley == entry.alone == {"MR": pytest.approx(entry.score)} and entry.without == {"MR": 0.0}
    run = finished(seer, {"CT": ball(), "T1": two_lesions, "T2": two_lesions}, tmp_path / "three")
    found = run_contributions(run, ONE)
    assert run.folder.record["contributions"]["network_runs"] == 7
    lesion = next(entry for entry in found if entry.part.lesion == 1)
    assert set(lesion.shapley) == {"CT", "T1", "T2"} and lesion.shapley["CT"] == pytest.approx(0, abs=1e-3)
    assert sum(lesion.shapley.values()) == pytest.approx(lesion.score, abs=1e-6)


def test_a_lesion_of_one_voxel_and_hundreds_of_them(seer, tmp_path):
    spots = np.full(GRID.shape, -30.0, np.float32)
    spots[2:-2:3, 2:-2:3, 2:-2:3] = 250.0
    spots[3, 2, 2] = 250.0
    run = finished(seer, {"CT": ball(), "MR": Volume(spots, GRID)}, tmp_path / "run")
    lesions = [entry for entry in run_contributions(run, ONE) if entry.part.lesion]
    assert len(lesions) == 50 and all(entry.shapley["MR"] > 0.3 for entry in lesions)
    assert any("smallest lesions were left out" in sentence for sentence in run.folder.record["warnings"])


def test_an_empty_segmentation_is_refused_and_a_stop_leaves_no_half_stage(seer, tmp_path):
    run = finished(seer, {"CT": ball((0, 0, 0), 5.0), "MR": ball((0, 0, 0), 5.0)}, tmp_path / "run")
    nothing = run.segmentation.labels.with_array(np.zeros(GRID.shape, np.uint16))
    object.__setattr__(run.segmentation, "labels", nothing)
    with pytest.raises(InputError, match="is empty"):
        run_contributions(run, ONE)

    def stop(event):
        if event.done >= 1:
            raise Cancelled("Stopped.")

    full = finished(seer, {"CT": ball(), "MR": ball()}, tmp_path / "stopped")
    with pytest.raises(Cancelled):
        run_contributions(full, ONE, stop)
    assert not full.folder.has("contributions") and not (full.folder.path / "explanation").exists()
