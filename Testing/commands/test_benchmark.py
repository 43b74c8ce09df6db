"""``benchmark``: networks and models on one input, with speed, memory and energy."""

import csv
import json
from pathlib import Path

import pytest

from MultimodalSegLib.commands import benchmark as command_file
from MultimodalSegLib.networks.measurement import Measurement

SHAPE = ("--shape", "64", "32", "32", "--modalities", "1", "--runs", "1", "--device", "cpu")


def test_a_model_and_a_network_are_measured_on_the_same_input(command, tmp_path: Path) -> None:
    ended = command("benchmark", "head-student", "unet", *SHAPE, "--out", str(tmp_path / "speed.csv"), "--json")
    rows = json.loads(ended.out)
    assert ended.code == 0 and [row["name"] for row in rows] == ["head-student", "unet"]
    for row in rows:
        assert row["state"] == "measured" and row["device"] == "cpu" and row["shape"] == "64x32x32"
        assert row["slices_per_s"] == pytest.approx(64 / row["seconds"], rel=1e-3)
        assert row["volumes_per_s"] == pytest.approx(1 / row["seconds"], rel=1e-3)
        assert row["peak_mb"] > 1 and row["card_mb"] is None and row["card_joules"] is None
    assert rows[0]["parameters"] < rows[1]["parameters"] and rows[0]["multiply_adds"] < rows[1]["multiply_adds"]
    with (tmp_path / "speed.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == list(command_file.FIELDS)
    assert [float(row["seconds"]) for row in written] == [row["seconds"] for row in rows]


def test_what_is_not_there_is_told(command) -> None:
    ended = command("benchmark", "alexnet")
    assert ended.code != 0 and "alexnet" in ended.err
    ended = command("benchmark", "unet", "--shape", "0", "32", "32")
    assert ended.code == 2 and "no voxel" in ended.err


def test_the_table_leaves_out_what_nothing_was_measured_for() -> None:
    found = Measurement(0.25, 100.0, "measured", processor_joules=12.5)
    lost = Measurement(None, None, "out of memory")
    counted = {"parameters": 1e6, "shape": "50x8x8", "modalities": 2, "multiply_adds": 1e9}
    rows = [
        {"name": name, **counted, "engine": "torch", "device": "cpu"}
        | {field: getattr(m, field) for field in command_file.MEASURED}
        | command_file.speed(m, 50)
        for name, m in (("one", found), ("two", lost))
    ]
    shown = command_file.table(rows)
    heads = [str(column.header) for column in shown.columns]
    cells = {head: list(column.cells) for head, column in zip(heads, shown.columns, strict=True)}
    assert cells["slices/s"] == ["200", "out of memory"] and cells["volumes/s"][0] == "4"
    assert cells["processor J"][0] == "12.50" and "card MB" not in heads
    assert "cannot be read" not in str(shown.caption)


def test_the_default_are_the_shipped_models_and_every_baseline() -> None:
    names = command_file.default_names()
    assert names[:2] == ["head", "head-student"] and {"unet", "resnet50", "transunet", "dynunet"} <= set(names)
    assert command_file.entry_of("head-student")["kind"] == "fusion"
