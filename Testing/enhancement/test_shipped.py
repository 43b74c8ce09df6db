"""The model that comes with the program."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from MultimodalSegLib.enhancement.enhance import restore
from MultimodalSegLib.enhancement.flow import Sampler
from MultimodalSegLib.enhancement.intensities import soft_tissue
from MultimodalSegLib.enhancement.slices import SliceModel
from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle, list_bundles, load_bundle
from MultimodalSegLib.models.checks import WEIGHTS
from MultimodalSegLib.networks.detail_net import DetailNet


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    try:
        return load_bundle("enhance")
    except ModelError as error:
        pytest.skip(str(error))


def test_it_is_small_adds_detail_and_is_not_offered_for_segmenting(shipped: Bundle) -> None:
    assert (shipped.path / WEIGHTS).stat().st_size < 16e6
    assert shipped.kind == "detail"
    assert "enhance" not in {other.path.name for other in list_bundles()}
    assert all(torch.isfinite(value).all() for value in load_file(str(shipped.path / WEIGHTS)).values())


def test_it_samples_and_says_what_it_had(shipped: Bundle) -> None:
    network = shipped.network()
    assert isinstance(network, DetailNet) and network.config.is_flow
    text = (shipped.path / "TRAINING.md").read_text(encoding="utf-8")
    assert "open-ms" in text and str(shipped.metadata["training"]["updates"]) in text.replace(",", "")


@pytest.mark.parametrize("spacing", [8.0, 12.0, 20.0, 50.0])
def test_values_stay_near_those_of_a_scan_with_slices_far_apart(
    shipped: Bundle, spacing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where they are refused otherwise: the network diverges if it is told of more than in training."""
    monkeypatch.setattr("MultimodalSegLib.enhancement.enhance.FARTHEST_MM", 100.0)
    model = SliceModel(round(100 / spacing), spacing)
    k, j, i = np.indices((model.size, 32, 32))
    away = ((k - model.size / 2) / 46) ** 2 + ((j - 16) / 14) ** 2 + ((i - 16) / 14) ** 2
    fine = np.where(away < 1, 100 + 40 * np.sin(k / 9) * np.cos(j / 6) + 20 * np.sin(i / 5), 33.0)
    slices = model.taken(fine) + np.random.default_rng(0).normal(0, 1, (model.count, 32, 32)).astype(np.float32)
    sampler = Sampler(shipped.network(), torch.device("cpu"), steps=1)
    result = restore(Volume(slices, Grid((32, 32, model.count), (1.0, 1.0, spacing))), "MR", sampler)
    reach = 0.15 * float(np.ptp(fine))
    assert fine.min() - reach < result.volume.array.min() and result.volume.array.max() < fine.max() + reach
    assert result.consistency is not None and result.consistency.within_noise


def test_it_takes_noise_off_a_ct(shipped: Bundle) -> None:
    """A brain of 35 HU with dark ventricles in a skull: its error in soft tissue falls, if not by much."""
    away = np.linalg.norm(np.indices((32, 32, 32)) - 15.5, axis=0)
    truth = np.select([away < 5, away < 13, away < 15], [8.0, 35.0, 900.0], -50.0).astype(np.float32)
    noisy = truth + np.random.default_rng(0).normal(0, 20, truth.shape).astype(np.float32)
    sampler = Sampler(shipped.network(), torch.device("cpu"), steps=1)
    result = restore(Volume(noisy, Grid((32, 32, 32))), "CT", sampler, denoise=True)
    before, after = (np.sqrt(np.mean((v - truth)[soft_tissue(truth)] ** 2)) for v in (noisy, result.volume.array))
    assert before == pytest.approx(20, rel=0.05) and after < 0.97 * before
