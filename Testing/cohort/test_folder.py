"""The cohort's folder: what it remembers, and whose it is."""

import csv
from pathlib import Path

import pytest

from MultimodalSegLib.cohort.cases import CohortCase
from MultimodalSegLib.cohort.folder import COHORT, OUTCOMES, PAUSE, TABLE, CohortFolder
from MultimodalSegLib.cohort.outcome import Outcome, failed
from MultimodalSegLib.errors import InputError, OutputError

IDENTITY = {"model": "abc", "registration": "rigid"}
DONE = Outcome("a", "finished", ("segment",), 12.5, (("alarm", "Unlike others."),), {"Lesion": 3.25}, 2, worker="vm:1")


def a_case(id: str, file: str = "/data/t1.nii") -> CohortCase:
    return CohortCase(id, {"T1": Path(file)}, "T1", {"site": "north"})


def test_what_was_told_of_a_case_is_known_the_next_time(tmp_path: Path) -> None:
    cases = [a_case("a"), a_case("b")]
    folder = CohortFolder.begin(tmp_path / "out", cases, IDENTITY)
    folder.keep(failed("a", InputError("No head.", "Look.")))
    folder.keep(DONE)
    with (folder.path / OUTCOMES).open("a", encoding="utf-8") as file:
        file.write('{"id": "b", "status": "fini')  # the program was killed here
    (folder.path / PAUSE).touch()
    again = CohortFolder.begin(tmp_path / "out", cases, IDENTITY)
    assert again.outcomes == {"a": DONE} and not again.paused
    assert not again.done("a", ["segment"])  # its run is not there
    again.run("a").mkdir()
    (again.run("a") / "run.json").touch()
    assert again.done("a", ["segment"]) and not again.done("a", ["segment", "report"])


def test_the_table_tells_every_case_with_its_own_columns_and_volumes(tmp_path: Path) -> None:
    folder = CohortFolder.begin(tmp_path / "out", [a_case(id) for id in "abc"], IDENTITY)
    folder.keep(DONE)
    folder.write_table(["b"])
    rows = list(csv.DictReader((folder.path / TABLE).open(encoding="utf-8")))
    assert [(row["id"], row["status"], row["site"]) for row in rows] == [
        ("a", "finished", "north"),
        ("b", "running", "north"),
        ("c", "waiting", "north"),
    ]
    assert rows[0]["Lesion ml"] == "3.25" and rows[0]["flags"] == "alarm: Unlike others." and rows[0]["alarms"] == "1"
    folder.write_table(["c"], now=False)  # it was just written
    assert list(csv.DictReader((folder.path / TABLE).open(encoding="utf-8"))) == rows


def test_cases_may_be_added_but_neither_left_out_nor_changed(tmp_path: Path) -> None:
    CohortFolder.begin(tmp_path / "out", [a_case("a")], IDENTITY)
    CohortFolder.begin(tmp_path / "out", [a_case("b"), a_case("a")], IDENTITY)
    for cases in ([a_case("b")], [a_case("a"), a_case("b", "/data/other.nii")]):
        with pytest.raises(InputError, match="another cohort"):
            CohortFolder.begin(tmp_path / "out", cases, IDENTITY)
    with pytest.raises(InputError, match="another model"):
        CohortFolder.begin(tmp_path / "out", [a_case("a"), a_case("b")], IDENTITY | {"model": "def"})


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(OutputError, match="not empty"):
        CohortFolder.begin(tmp_path, [a_case("a")], IDENTITY)
    (tmp_path / COHORT).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="format"):
        CohortFolder.begin(tmp_path, [a_case("a")], IDENTITY)
