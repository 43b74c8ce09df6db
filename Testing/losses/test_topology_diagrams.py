"""Diagrams and distances against gudhi's own, and against every possible pairing."""

import itertools
import sys

import gudhi
import gudhi.hera
import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import MissingPackageError
from MultimodalSegLib.losses.topology_diagrams import persistence_diagrams, wasserstein_distance

MANY = 10_000


def own_diagrams(volume: np.ndarray, least: float) -> list[np.ndarray]:
    """gudhi's intervals of a volume within zeros as (birth, death), the endless one ending at 0."""
    cubes = gudhi.CubicalComplex(vertices=-np.pad(volume, 1))
    cubes.compute_persistence(min_persistence=least)
    intervals = [-cubes.persistence_intervals_in_dimension(k).reshape(-1, 2) for k in range(3)]
    return [np.where(np.isfinite(bars), bars, 0.0) for bars in intervals]


def in_order(bars: np.ndarray) -> np.ndarray:
    return bars[np.lexsort(bars.T)]


def random_diagram(rng: np.random.Generator, count: int) -> torch.Tensor:
    return torch.from_numpy(np.sort(rng.random((count, 2)), axis=1)[:, ::-1].copy())


def test_gathered_births_and_deaths_are_gudhi_s_own_on_a_volume_that_is_no_cube():
    volume = np.random.default_rng(0).random((9, 6, 4))
    found = persistence_diagrams(torch.from_numpy(volume), bars=MANY, least=0.01)
    for k, wanted in enumerate(own_diagrams(volume, 0.01)):
        assert len(wanted) > (8, 8, 0)[k]
        assert np.array_equal(in_order(found[k].numpy()), in_order(wanted))


def test_the_gradient_reaches_the_voxels_of_birth_and_death():
    volume = torch.zeros(5, 7, 9, dtype=torch.float64)
    volume[1, 2, 3], volume[1, 2, 4], volume[1, 2, 5] = 0.9, 0.3, 0.8  # two peaks and the saddle between them
    volume.requires_grad_()
    components = persistence_diagrams(volume)[0]
    assert components.tolist() == [[0.9, 0.0], [0.8, 0.3]]
    (gradient,) = torch.autograd.grad(components[1, 0] - 2 * components[1, 1], volume)
    assert gradient.nonzero().tolist() == [[1, 2, 4], [1, 2, 5]]
    assert gradient[1, 2, 4] == -2 and gradient[1, 2, 5] == 1


def test_an_empty_volume_has_no_bar_and_a_hollow_box_two():
    assert [len(bars) for bars in persistence_diagrams(torch.zeros(5, 5, 5))] == [0, 0, 0]
    box = torch.ones(5, 6, 7)
    box[2, 2:4, 2:5] = 0
    assert [bars.tolist() for bars in persistence_diagrams(box)] == [[[1.0, 0.0]], [], [[1.0, 0.0]]]


def test_only_the_longest_bars_are_kept():
    volume = torch.from_numpy(np.random.default_rng(1).random((8, 8, 8)))
    every = persistence_diagrams(volume, bars=MANY)[1]
    few = persistence_diagrams(volume, bars=5)[1]
    lengths = (every[:, 0] - every[:, 1]).sort(descending=True).values
    assert len(every) > 20
    assert torch.equal(few[:, 0] - few[:, 1], lengths[:5])


@pytest.mark.parametrize("sizes", [(1, 1), (4, 0), (0, 5), (7, 12), (30, 25)])
def test_the_distance_is_that_of_gudhi_s_hera(sizes):
    rng = np.random.default_rng(sizes)
    first, second = (random_diagram(rng, n) for n in sizes)
    # hera takes bars with birth <= death
    wanted = gudhi.hera.wasserstein_distance(
        first.numpy()[:, ::-1], second.numpy()[:, ::-1], order=2, internal_p=1, delta=1e-6
    )
    assert float(wasserstein_distance(first, second)) == pytest.approx(wanted, rel=1e-5)


def test_the_distance_is_the_least_over_all_pairings():
    rng = np.random.default_rng(3)
    for _ in range(20):
        first, second = random_diagram(rng, 3).numpy(), random_diagram(rng, 2).numpy()
        alone = [np.square(bars[:, 0] - bars[:, 1]) for bars in (first, second)]
        costs = []
        for choice in itertools.product((None, 0, 1), repeat=3):  # the partner of each bar of the first
            taken = [j for j in choice if j is not None]
            if len(set(taken)) == len(taken):
                cost = sum(alone[1][j] for j in range(2) if j not in taken)
                for i, j in enumerate(choice):
                    cost += alone[0][i] if j is None else np.abs(first[i] - second[j]).sum() ** 2
                costs.append(cost)
        found = float(wasserstein_distance(torch.from_numpy(first), torch.from_numpy(second)))
        assert found == pytest.approx(min(costs) ** 0.5, rel=1e-9)


def test_a_faint_bar_is_pulled_toward_a_true_one_and_never_erased():
    for birth, death in ((0.15, 0.05), (0.99, 0.95), (0.52, 0.48)):
        faint = torch.tensor([[birth, death]], requires_grad=True)
        wasserstein_distance(faint, torch.tensor([[1.0, 0.0]])).backward()
        assert faint.grad is not None and faint.grad[0, 0] < 0 < faint.grad[0, 1]


def test_the_gradient_of_the_distance_is_that_of_finite_differences():
    rng = np.random.default_rng(4)
    first, second = random_diagram(rng, 5).requires_grad_(), random_diagram(rng, 3).requires_grad_()
    assert torch.autograd.gradcheck(wasserstein_distance, (first, second))


def test_equal_diagrams_have_distance_zero_and_no_slope():
    bars = random_diagram(np.random.default_rng(5), 4).requires_grad_()
    distance = wasserstein_distance(bars, bars.detach())
    distance.backward()
    assert float(distance.detach()) == 0.0
    assert bars.grad is not None and not bars.grad.any()


def test_without_gudhi_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(MissingPackageError, match="gudhi") as caught:
        persistence_diagrams(torch.zeros(3, 3, 3))
    assert "multimodalseg[train]" in caught.value.hint
