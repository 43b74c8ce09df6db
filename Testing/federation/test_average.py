"""Averages by cases and by what was trained, whatever the order in which sites answer."""

import numpy as np
import pytest

from MultimodalSegLib.federation.average import Update, average, follow

BEGIN = {
    "conv": np.zeros((2, 3), np.float32),
    "embedding": np.full((3, 2), 7, np.float32),
    "scale": np.array(1.0, np.float32),
    "norm": np.ones(2, np.float32),
    "batches": np.array(4, np.int64),
}
CT, MR, PET = range(3)


def an_update(value: float, families: tuple[int, ...], cases: int, batches: int = 0) -> Update:
    weights = {name: np.full_like(array, value) for name, array in BEGIN.items() if name != "norm"}
    weights["batches"] = np.array(batches)
    trained = {name: np.ones(array.shape[:1], bool) for name, array in weights.items()}
    trained["embedding"] = np.isin(np.arange(3), families)
    return Update(weights, trained, cases)


def test_each_row_is_averaged_over_the_sites_that_trained_it() -> None:
    found = average(BEGIN, [an_update(1.0, (CT,), 30), an_update(5.0, (CT, MR), 10, batches=9)])
    assert found["conv"] == pytest.approx(0.75 * 1 + 0.25 * 5)
    assert found["embedding"].tolist() == [[2, 2], [5, 5], [7, 7]]  # both, the second alone, nobody
    assert float(found["scale"]) == pytest.approx(2.0)
    assert found["norm"].tolist() == [1, 1]  # nobody sent it
    assert int(found["batches"]) == 9
    assert {name: (a.shape, a.dtype) for name, a in found.items()} == {
        name: (a.shape, a.dtype) for name, a in BEGIN.items()
    }


def test_without_answers_nothing_changes() -> None:
    found = average(BEGIN, [])
    assert all(np.array_equal(found[name], value) for name, value in BEGIN.items())


@pytest.mark.parametrize(
    ("update", "problem"),
    [
        (Update({"other": np.zeros(1)}, {}, 1), "'other', which the network lacks"),
        (Update({"conv": np.zeros((3, 2))}, {}, 1), "shape"),
        (Update({"conv": np.full((2, 3), np.nan)}, {}, 1), "no numbers"),
        (Update({"conv": np.zeros((2, 3))}, {"conv": np.ones(3, bool)}, 1), "what was trained"),
        (Update({}, {}, 0), "0 cases"),
    ],
)
def test_an_update_that_does_not_fit_is_told(update: Update, problem: str) -> None:
    assert problem in update.problem(BEGIN)
    assert an_update(1.0, (CT,), 3).problem(BEGIN) == ""


def test_the_average_over_rounds_forgets_the_beginning() -> None:
    followed = {"w": np.array([0.0]), "n": np.array([1])}
    for number in range(1, 4):
        followed = follow(followed, {"w": np.array([1.0]), "n": np.array([number])}, 0.9, number)
    stays = [min(0.9, (1 + r) / (10 + r)) for r in (1, 2, 3)]
    assert followed["w"] == pytest.approx(1 - np.prod(stays)) and followed["n"].tolist() == [3]
    assert follow({"w": np.array([5.0])}, {"w": np.array([1.0])}, 0.0, 9)["w"].tolist() == [1.0]
