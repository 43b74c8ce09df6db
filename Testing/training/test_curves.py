"""The record of a run: rows, a picture, TensorBoard."""

import csv
import math
import sys

import matplotlib.image
import pytest

from MultimodalSegLib.training.curves import Curves


def filled(folder, steps=range(20, 120, 20)) -> Curves:
    curves = Curves(folder, 0)
    for step in steps:
        row = {"step": step, "seconds": step / 2, "loss": 100 / step, "learning_rate": 1e-3, "wait": 0.0}
        curves.add_row(row | ({"topology": 0.5} if step > 60 else {}))
        curves.add_scores({"step": step, "mean": step / 200, "ball": step / 150, "never": math.nan})
    return curves


def test_a_part_that_comes_later_gets_a_column_and_what_is_no_number_stays_empty(tmp_path):
    filled(tmp_path).close()
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert [row["topology"] for row in rows] == ["", "", "", "0.5", "0.5"]
    assert [float(row["loss"]) for row in rows] == pytest.approx([5, 2.5, 100 / 60, 1.25, 1], rel=1e-5)
    assert {row["never"] for row in csv.DictReader((tmp_path / "validation.csv").open(encoding="utf-8"))} == {""}


def test_rows_after_the_state_that_a_killed_run_left_are_dropped(tmp_path):
    filled(tmp_path).close()
    again = Curves(tmp_path, 60)
    again.add_row({"step": 80, "loss": 7.0})
    again.close()
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert [int(row["step"]) for row in rows] == [20, 40, 60, 80] and rows[-1]["loss"] == "7"
    assert [row["step"] for row in csv.DictReader((tmp_path / "validation.csv").open(encoding="utf-8"))] == [
        "20",
        "40",
        "60",
    ]


def test_the_picture_shows_something(tmp_path):
    curves = filled(tmp_path)
    curves.draw()
    curves.close()
    picture = matplotlib.image.imread(tmp_path / "curves.png")
    assert picture.shape[0] > 800 and picture.shape[1] > 800
    assert picture[..., :3].std() > 0.05


def test_tensorboard_reads_the_same_numbers(tmp_path):
    filled(tmp_path).close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    scalars = [(event.step, event.value) for event in board.Scalars("training/loss")]
    assert scalars == [(20, 5.0), (40, 2.5), (60, pytest.approx(100 / 60)), (80, 1.25), (100, 1.0)]


def test_without_tensorboard_the_rest_works(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.warns(UserWarning, match="TensorBoard is not installed"):
        filled(tmp_path).close()
    assert (tmp_path / "log.csv").exists() and not (tmp_path / "tensorboard").exists()
