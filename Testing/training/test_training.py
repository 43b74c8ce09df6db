"""A training run: samples that can be repeated, a state that can be continued, a bundle that can be loaded."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "synthesis"))

from heads import GRID, a_head  # noqa: E402

from MultimodalSegLib.errors import InputError  # noqa: E402
from MultimodalSegLib.synthesis.anatomy import LABELS  # noqa: E402
from MultimodalSegLib.training.export import export  # noqa: E402
from MultimodalSegLib.training.loop import Trainer  # noqa: E402
from MultimodalSegLib.training.plan import Plan, Stage  # noqa: E402
from MultimodalSegLib.training.samples import make_sample  # noqa: E402

SMALL = Plan(
    minutes=0.03,
    held_out=("held_out",),
    widths=(8, 8, 16),
    stages=(Stage(0.5, 9.0, ((16, 16, 16),), (1.0,)), Stage(1.0, 6.0, ((24, 16, 24),), (1.0,))),
    checkpoint_minutes=0.01,
)


@pytest.fixture(scope="module")
def a_folder_of_label_maps(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    image = sitk.GetImageFromArray(np.asarray(LABELS, np.int32)[a_head().codes])
    image.SetSpacing(GRID.spacing)
    image.SetOrigin(GRID.origin)
    for name in ("one", "held_out"):
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return folder


def test_a_sample_can_be_made_again_and_fits_its_stage():
    first, second = (make_sample(a_head(), np.random.default_rng((3, 8)), SMALL, 0.9) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))
    assert first.images.shape[2:] == (24, 16, 24) == first.channel.shape[1:]
    assert torch.isfinite(first.images).all()
    assert first.images.abs().max() < 2.5


def test_samples_show_every_set_of_modalities():
    families = {
        tuple(make_sample(a_head(), np.random.default_rng(n), SMALL, 0.1).family.ravel().tolist()) for n in range(40)
    }
    assert families == {(0, 1), (1, 0), (0,), (1,), (1, 1)}


def test_the_network_learns_one_sample_by_heart():
    torch.manual_seed(0)
    from MultimodalSegLib.networks.build import build_network
    from MultimodalSegLib.training.loop import network_config
    from MultimodalSegLib.training.objective import Objective

    sample = make_sample(a_head(), np.random.default_rng(5), SMALL, 0.9)
    network = build_network(network_config(SMALL))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    objective = Objective()
    losses = []
    for step in range(40):
        output = network(sample.images, torch.ones_like(sample.family, dtype=torch.bool), sample.family)
        loss, _ = objective(output, sample, 0.0, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.35 * losses[0]


def test_a_run_goes_on_where_it_stopped_and_becomes_a_bundle(a_folder_of_label_maps, tmp_path):
    told = []
    first = Trainer(SMALL, a_folder_of_label_maps, tmp_path)
    assert [path.name for path in first.paths] == ["one.nii.gz"]
    first.run(told.append)
    assert first.step > 0 and first.fraction >= 1.0

    longer = Trainer(replace(SMALL, minutes=0.06), a_folder_of_label_maps, tmp_path)
    assert longer.step == first.step
    assert torch.equal(longer.average["head.weight"], first.average["head.weight"])
    assert longer.optimizer.state_dict()["state"][0]["step"] == first.step
    longer.run()
    assert longer.step > first.step
    assert not torch.equal(longer.average["head.weight"], first.average["head.weight"])

    bundle = export(tmp_path, tmp_path / "tiny", name="tiny", version="0.0.1")
    weights = bundle.network().state_dict()
    assert torch.allclose(weights["head.weight"], longer.average["head.weight"], atol=1e-3)
    assert bundle.spacing == 6.0 and bundle.metadata["training"]["steps"] == longer.step
    assert {"Left hippocampus", "Right hippocampus", "Cortical bone", "Lesion"} <= {c.name for c in bundle.classes()}


def test_the_log_has_a_row_for_every_twenty_steps(a_folder_of_label_maps, tmp_path):
    trainer = Trainer(replace(SMALL, minutes=0.15), a_folder_of_label_maps, tmp_path)
    told = []
    trainer.run(told.append)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(row["step"]) for row in rows] == list(range(20, trainer.step + 1, 20))
    assert len(told) == len(rows) and told[-1].stage == "train"


def test_a_folder_without_label_maps_is_refused(tmp_path):
    with pytest.raises(InputError, match="no label map"):
        Trainer(SMALL, tmp_path, tmp_path / "run")


def test_a_damaged_state_is_refused(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"not a state")
    with pytest.raises(InputError, match="not the state"):
        export(tmp_path, tmp_path / "model", name="x", version="1")
