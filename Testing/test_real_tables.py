"""The stored figures of a model follow from the stored measurements, and its tables from both."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
STORED = sorted((ROOT / "Testing/benchmarks/results/real").glob("head-[0-9]*"))[-1]


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of what JSON holds, with its place."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from numbers(item, f"{place}/{name}")
    else:
        yield place, value


def test_tables_of_the_newest_model_can_be_made_again(tmp_path: Path) -> None:
    shutil.copy(STORED / "results.json", tmp_path)
    script = ROOT / "Testing/benchmarks/real/evaluate.py"
    paths = {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script, "--again", tmp_path], check=True, env=os.environ | paths, timeout=300)
    new, old = (json.loads((folder / "results.json").read_text(encoding="utf-8")) for folder in (tmp_path, STORED))
    figures, stored = (dict(numbers(found["sets"]["synthetic"]["figures"])) for found in (new, old))
    assert figures.keys() == stored.keys()
    for place, value in stored.items():
        assert figures[place] == (pytest.approx(value, abs=0.02) if isinstance(value, float) else value), place
    auc = new["sets"]["synthetic"]["figures"]["lesion presence AUC"]
    assert auc["low"] < auc["mean"] <= auc["high"] and auc["count"] == figures["/patients"]
    assert figures["/anatomies"] < figures["/patients"]
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"{figures['/anatomies']} anatomies" in text and "wanted of two cores" in text
    shown = (STORED / "README.md").read_text(encoding="utf-8")
    rows, known = ([line.split("|")[1] for line in page.splitlines() if "|" in line] for page in (text, shown))
    assert rows == known, "the same rows as are shown"


def test_the_shipped_card_follows_from_the_results_and_says_on_what_its_weights_were_chosen(tmp_path: Path) -> None:
    shipped = ROOT / "Resources/models/head"
    shutil.copytree(shipped, tmp_path / "head")
    (tmp_path / "head/docs/README.md").write_text("of an earlier time", encoding="utf-8")
    script = ROOT / "Testing/benchmarks/real/card.py"
    given = ["--results", STORED, "--model", tmp_path / "head"]
    subprocess.run(
        [sys.executable, script, *given], check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300
    )
    pages = [(folder / "docs/README.md").read_text(encoding="utf-8") for folder in (tmp_path / "head", shipped)]
    text, shown = ([line for line in page.splitlines() if not line.startswith("- [")] for page in pages)
    assert text == shown
    (mean,) = [line for line in shown if "weights are the mean" in line]
    assert "chosen on the made-up pairs" in mean
