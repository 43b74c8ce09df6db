"""``networks``: what each network costs, as a table, as JSON and as CSV."""

import csv
import io
import json

import pytest

from MultimodalSegLib.commands import networks as command_file
from MultimodalSegLib.networks import cost


def test_a_row_for_each_shape_and_number_of_modalities(command) -> None:
    ended = command("networks", "--only", "student", "--only", "unet", "--json")
    rows = json.loads(ended.out)
    assert ended.code == 0
    assert {(row["network"], row["shape"], row["modalities"]) for row in rows} == {
        (name, shape, m) for name in ("student", "unet") for shape in cost.SHAPES for m in (1, 2)
    }
    assert all(row["parameters"] > 1e6 and row["multiply_adds"] > 1e9 for row in rows)
    assert all(row["seconds"] is None and row["state"] is None for row in rows)  # nothing was measured


def test_csv_and_table_say_the_same_as_each_other(command) -> None:
    rows = list(csv.DictReader(io.StringIO(command("networks", "--only", "student", "--csv").out)))
    assert list(rows[0]) == list(command_file.FIELDS)
    shown = command("networks", "--only", "student").out
    assert f"{int(rows[0]['parameters']) / 1e6:.2f}" in shown
    for first, second in (rows[:2], rows[2:]):
        assert " / ".join(f"{int(row['multiply_adds']) / 1e9:.1f}" for row in (first, second)) in shown


def test_measured_figures_stand_beside_the_counted_ones(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "SHAPES", {"32x32x64": (32, 32, 64)})
    monkeypatch.setattr(command_file, "MODALITIES", (1,))
    ended = command("networks", "--only", "student", "--measure", "--runs", "1", "--json")
    (row,) = json.loads(ended.out)
    assert row["state"] == "measured" and row["engine"] == "torch"
    assert row["seconds"] > 0 and row["peak_mb"] > 1
    ended = command("networks", "--only", "student", "--measure", "--memory-limit", "60")
    assert ended.code == 0 and "out of memory" in ended.out


def test_an_unknown_network_is_refused_with_the_known_ones(command) -> None:
    ended = command("networks", "--only", "alexnet")
    assert ended.code == 2
    assert "alexnet" in ended.err and "swinunetr" in ended.err
