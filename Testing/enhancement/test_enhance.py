"""A scan restored by a network that knows nothing: what must hold whatever the network adds."""

from typing import Any

import numpy as np
import pytest
import torch

from MultimodalSegLib.enhancement.enhance import restore
from MultimodalSegLib.enhancement.flow import Sampler
from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.networks.detail_net import Conditions
from MultimodalSegLib.progress import Event
from Testing.enhancement.handmade import GRID, a_detail_network, a_thick_scan


def a_sampler(noise: float = 0.1, steps: int = 2, window: int = 16) -> Sampler:
    return Sampler(a_detail_network(noise), torch.device("cpu"), steps=steps, window=window)


@pytest.mark.parametrize(("family", "low", "high"), [("MR", 0.0, 1000.0), ("CT", -800.0, 600.0)])
def test_the_slices_of_the_result_are_those_measured(family: str, low: float, high: float) -> None:
    scan = a_thick_scan(low=low, high=high, noise=0.02 * (high - low))
    result = restore(scan, family, a_sampler())
    assert result.changed and result.volume.grid.spacing == (1.0, 1.0, 1.0) and result.volume.grid.size == (24, 20, 32)
    assert result.consistency is not None and result.consistency.within_noise
    assert result.consistency.noise == pytest.approx(0.02 * (high - low), rel=0.3)
    assert np.isfinite(result.volume.array).all() and result.uncertainty is None


def test_samples_differ_and_their_deviation_is_the_uncertainty() -> None:
    scan = a_thick_scan()
    single = [restore(scan, "MR", a_sampler(), seed=seed).volume.array for seed in (5, 6)]
    both = restore(scan, "MR", a_sampler(), samples=2, seed=5)
    assert both.uncertainty is not None and both.samples == 2
    assert np.abs(single[0] - single[1]).max() > 1
    assert np.allclose(both.volume.array, np.mean(single, axis=0), atol=1e-2)
    assert np.allclose(both.uncertainty.array, np.std(single, axis=0), atol=1e-2)


def test_the_same_seed_gives_the_same_volume() -> None:
    first, second = (restore(a_thick_scan(), "MR", a_sampler(), seed=3).volume.array for _ in range(2))
    assert np.array_equal(first, second)


def test_an_isotropic_scan_is_returned_unchanged_and_that_is_said() -> None:
    scan = a_thick_scan(Grid((12, 12, 12)))
    result = restore(scan, "MR", a_sampler())
    assert result.volume is scan and not result.changed and result.consistency is None
    assert "returned unchanged" in result.warnings[0]
    assert "Only a CT is cleaned." in restore(scan, "MR", a_sampler(), denoise=True).warnings


def test_a_ct_with_thin_slices_can_be_cleaned_on_its_own_grid() -> None:
    scan = a_thick_scan(Grid((12, 12, 12)), -100, 100, noise=30)
    result = restore(scan, "CT", a_sampler(), denoise=True)
    assert result.changed and result.volume.grid == scan.grid
    assert len(result.warnings) == 1 and "noise in soft tissue went from" in result.warnings[0]
    quiet = restore(a_thick_scan(Grid((40, 40, 4)), -100, 100, noise=2), "CT", a_sampler(), denoise=True)
    assert "little noise" in quiet.warnings[1]
    asked = restore(scan, "CT", a_sampler(), denoise=True, profile="gaussian")
    assert "'gaussian' was not used" in asked.warnings[-1]


def test_cleaning_that_changes_more_than_noise_is_told() -> None:
    scan = a_thick_scan(Grid((12, 12, 12)), -100, 100, noise=15)
    wild = a_detail_network()
    torch.nn.init.normal_(wild.head.weight, std=2.0)
    result = restore(scan, "CT", Sampler(wild, torch.device("cpu"), steps=1), denoise=True)
    assert result.consistency is not None and not result.consistency.within_noise
    assert "changed more than noise" in result.warnings[-1]


@pytest.mark.parametrize("family", ["CT", "MR"])
def test_that_thick_slices_are_not_cleaned_is_said(family: str) -> None:
    restored, asked = (restore(a_thick_scan(), family, a_sampler(), denoise=denoise) for denoise in (False, True))
    assert np.array_equal(asked.volume.array, restored.volume.array)
    assert not restored.warnings and "restored, not cleaned" in asked.warnings[0]


@pytest.mark.parametrize(("spacing", "told"), [(2.4, True), (2.5, False), (6.5, False), (6.6, True), (9.0, True)])
def test_slices_farther_or_nearer_than_in_training_are_told(spacing: float, told: bool) -> None:
    scan = a_thick_scan(Grid((16, 16, 5), (1.0, 1.0, spacing)), noise=20)
    warnings = restore(scan, "MR", a_sampler()).warnings
    assert warnings == (
        (f"The slices are {spacing:g} mm apart; the model was made for 2.5 to 6.5 mm.",) if told else ()
    )


@pytest.mark.parametrize("spacing", [12.0, 20.0, 50.0])
def test_slices_too_far_apart_are_refused(spacing: float) -> None:
    scan = a_thick_scan(Grid((16, 16, 5), (1.0, 1.0, spacing)))
    with pytest.raises(InputError, match=f"are {spacing:g} mm apart, which is too far"):
        restore(scan, "MR", a_sampler())


def test_the_network_is_told_of_no_more_than_it_was_trained_on() -> None:
    told: list[tuple[float, float]] = []

    class Listening(Sampler):
        def sample(self, start: np.ndarray, distance: np.ndarray, known: Conditions, *rest: Any) -> np.ndarray:
            told.append((float(known.spacing), float(distance.max())))
            return super().sample(start, distance, known, *rest)

    for spacing in (4.0, 9.0):
        restore(
            a_thick_scan(Grid((16, 16, 5), (1.0, 1.0, spacing))),
            "MR",
            Listening(a_detail_network(), torch.device("cpu"), steps=1),
        )
    assert told == [(4.0, 1.5), (6.5, 3.25)]


def test_a_result_that_does_not_give_the_slices_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan without noise, such as one that was made up, is given back to a thousandth of its range."""
    k, _, i = np.indices(GRID.shape)
    result = restore(Volume((5.0 * i + 100 * np.sin(k)).astype(np.float32), GRID), "MR", a_sampler(steps=1))
    found = result.consistency
    assert found is not None and found.noise < 1e-3 and 0 < found.rms < found.floor
    assert found.within_noise and "a thousandth" in found.judged and not result.warnings
    monkeypatch.setattr(
        "MultimodalSegLib.enhancement.enhance.measured_kept", lambda scan, fine, scale, noise: fine + 50
    )
    result = restore(a_thick_scan(noise=5), "MR", a_sampler())
    assert "does not give the measured slices back" in result.warnings[0] and "above their noise" in result.warnings[0]


def test_it_stops_while_sampling() -> None:
    seen: list[float] = []

    def stop(event: Event) -> None:
        seen.append(event.done)
        if event.done > 0.2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        restore(a_thick_scan(), "MR", a_sampler(), progress=stop)
    assert max(seen) < 0.6


def test_windows_give_what_one_look_gives_in_the_middle_of_a_window() -> None:
    """The network's answer depends on the surroundings alone; at the seams it sees a little less of them."""
    start = np.random.default_rng(0).normal(size=(16, 16, 64)).astype(np.float32)
    known = Conditions(torch.tensor([1]), torch.tensor([5.0]), torch.tensor([0.0]))
    away = np.zeros(16, np.float32)
    whole, parts = (a_sampler(steps=1, window=w).sample(start, away, known, 0) for w in (64, 32))
    assert np.allclose(whole[..., 8:12], parts[..., 8:12], atol=1e-4)
    assert np.abs(whole - parts).max() < 0.2 * np.abs(whole - start).max()


def test_a_regression_answers_at_once_and_without_chance() -> None:
    first, second = (restore(a_thick_scan(), "MR", a_sampler(0.0, steps=5), seed=s).volume.array for s in (1, 2))
    assert np.array_equal(first, second)
