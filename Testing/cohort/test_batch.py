"""Whole cohorts on real worker processes, which the tests of this file share: what ends, what goes on, what is kept."""

import csv
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from MultimodalSegLib.cohort import held
from MultimodalSegLib.cohort.batch import Batch, run_batch
from MultimodalSegLib.cohort.cluster import Place
from MultimodalSegLib.cohort.folder import TABLE
from MultimodalSegLib.cohort.options import CohortOptions
from MultimodalSegLib.errors import Cancelled, ClusterError, InputError, ModelError
from MultimodalSegLib.progress import Event

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
Table = Callable[..., Path]


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """A client of two workers in processes of their own."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def run(workers: Any, material: Path) -> Callable[..., Batch]:
    """Function that works on a cohort with these workers."""

    def start(table: Path, progress: Callable[[Event], None] = lambda event: None, **options: Any) -> Batch:
        asked = CohortOptions(registration="none", model=str(material / "model"), threads=1, **options)
        place = Place(scheduler=workers.scheduler.address)
        return run_batch(table, table.parent / "out", asked, place, progress)

    return start


def rows(batch: Batch) -> dict[str, dict[str, str]]:
    with (batch.folder.path / TABLE).open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_a_bad_case_is_told_and_stops_nobody_and_the_model_is_loaded_once(
    run: Callable[..., Batch], workers: Any, a_table: Table, material: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes((material / "t1.nii.gz").read_bytes()[:-2000])
    events: list[Event] = []
    batch = run(a_table("one", "bad", "two", "three", "four", bad=cut), events.append)
    assert batch.failed == ("bad",)
    found = rows(batch)
    assert [found[id]["status"] for id in found] == ["finished", "failed", *["finished"] * 3]
    assert "truncated" in found["bad"]["error"] and found["bad"]["attempts"] == "1" and found["bad"]["site"] == "site 1"
    assert {float(found[id]["Organ 1 ml"]) for id in ("one", "two", "three", "four")} == {14.09}
    page = (batch.folder.path / "index.html").read_text(encoding="utf-8")
    assert page.index(">bad<") < page.index(">four<") and page.count("data:image/png") == 4
    loaded = workers.run(held.held_bundle.cache_info)
    assert len(loaded) == 2 and sum(info.misses for info in loaded.values()) == 2
    assert sum(info.hits + info.misses for info in loaded.values()) == 5
    assert (events[-1].done, events[-1].total, events[-1].message) == (5, 5, "1 failed")


def test_started_again_only_what_is_missing_is_done(run: Callable[..., Batch], a_table: Table) -> None:
    table = a_table("a", "b")
    first = run(table)
    segmentations = {id: first.folder.run(id) / "segmentation.seg.nrrd" for id in "ab"}
    before = {id: file.stat().st_mtime_ns for id, file in segmentations.items()}
    records = {id: (first.folder.run(id) / "run.json").stat().st_mtime_ns for id in "ab"}
    assert run(table).done_before == 2
    assert {id: (first.folder.run(id) / "run.json").stat().st_mtime_ns for id in "ab"} == records

    segmentations["b"].unlink()
    third = run(table, report=True, uncertainty=True, explain=True, explained="Organ 1")
    assert not third.failed and third.done_before == 0
    after = {id: file.stat().st_mtime_ns for id, file in segmentations.items()}
    assert after["a"] == before["a"] and after["b"] > before["b"]
    for id in "ab":
        assert (third.folder.run(id) / "report.html").is_file()
        assert "low_ml" in (third.folder.run(id) / "measurements.csv").read_text(encoding="utf-8")
        explanation = third.folder.run(id) / "explanation"
        assert (explanation / "organ_1.gradcam.nrrd").is_file() and (explanation / "contributions.csv").is_file()
    assert '<a href="cases/a/report.html">' in (third.folder.path / "index.html").read_text(encoding="utf-8")
    assert run(table, report=True).done_before == 2  # what was asked for earlier stays


def test_synthetic_detail_has_to_be_chosen_for_a_cohort(
    run: Callable[..., Batch], a_table: Table, material: Path, tmp_path: Path
) -> None:
    table = a_table("a", a=Path(shutil.copy(material / "t1.nii.gz", tmp_path / "t1 (synthetic detail).nii.gz")))
    assert "synthetic" in rows(run(table))["a"]["error"]
    asked = {"uncertainty": True, "explain": True, "explained": "Organ 1", "report": True, "measure": True}
    batch = run(table, **asked, synthetic_detail=True)
    assert not batch.failed and "synthetic detail" in (batch.folder.run("a") / "report.html").read_text(
        encoding="utf-8"
    )


def test_a_stop_leaves_a_folder_that_goes_on(run: Callable[..., Batch], a_table: Table) -> None:
    table = a_table("a", "b", "c", "d")

    def stop(event: Event) -> None:
        if event.done >= 1 and event.message.split(", ")[0].endswith("running"):
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run(table, stop)
    states = [
        line.split(",")[1] for line in (table.parent / "out" / TABLE).read_text(encoding="utf-8").splitlines()[1:]
    ]
    assert "finished" in states and "waiting" in states
    batch = run(table)
    assert batch.done_before >= 1 and not batch.failed
    assert {row["status"] for row in rows(batch).values()} == {"finished"}


def test_a_pause_begins_no_new_case(run: Callable[..., Batch], a_table: Table) -> None:
    table = a_table(*"abcdefgh")
    begun, told = 0, list[int]()  # cases when the pause was asked for, cases that had ended when it was told

    def pause(event: Event) -> None:
        nonlocal begun
        file = table.parent / "out" / "pause"
        if event.done and not begun:
            file.touch()
            begun = event.done + 2  # one at work on each worker
        if "paused" in event.message.split(",")[0]:
            told.append(event.done)
            if len(told) > 8:
                file.unlink(missing_ok=True)

    assert not run(table, pause).failed
    assert len(told) > 8 and max(told) <= begun < 8


def test_another_version_and_a_folder_that_workers_do_not_see_are_refused(
    run: Callable[..., Batch], a_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MultimodalSegLib.cohort import batch

    mine = batch.compared_versions()
    changed = tuple((name, "1.0.0" if name == "numpy" else version) for name, version in mine)
    monkeypatch.setattr(batch, "compared_versions", lambda: changed)
    with pytest.raises(ClusterError, match="numpy .* instead of 1.0.0"):
        run(a_table("a"))
    monkeypatch.undo()
    monkeypatch.setattr(batch, "COHORT", "nowhere.json")
    with pytest.raises(ClusterError, match="does not see"):
        run(a_table("a"))


def test_a_worker_that_comes_later_with_another_version_is_refused(
    run: Callable[..., Batch], a_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MultimodalSegLib.cohort import batch

    mine = batch.compared_versions()
    monkeypatch.setattr(batch, "looked_at", lambda *_: {})  # it was not there yet
    monkeypatch.setattr(batch, "compared_versions", lambda: (*mine, ("torch", "0.1")))
    with pytest.raises(ClusterError, match="instead of 0.1"):
        run(a_table("a"))


def test_another_cohort_s_folder_is_refused_before_anything_starts(run: Callable[..., Batch], a_table: Table) -> None:
    run(a_table("a"))
    with pytest.raises(InputError, match="another cohort"):
        run(a_table("b"))
    with pytest.raises(InputError, match="no class 'heart'"):
        run(a_table("a"), explain=True, explained="heart")


def test_results_among_the_cases_and_a_model_that_answers_clicks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="among the cases"):
        run_batch(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="among the cases"):
        run_batch(tmp_path, tmp_path)
    with pytest.raises(ModelError, match="answers clicks"):
        run_batch(tmp_path / "cases.csv", tmp_path / "out", CohortOptions(model="refine"))
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_worker_that_is_killed_loses_nothing(run: Callable[..., Batch], workers: Any, a_table: Table) -> None:
    processes = dict(workers.run(os.getpid))
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.done >= 1 and not killed and "2 running" in event.message:
            killed.append(next(iter(processes.values())))
            os.kill(killed[0], signal.SIGKILL)

    batch = run(a_table(*(f"case-{n}" for n in range(6))), kill)
    assert killed and not batch.failed
    found = rows(batch)
    assert len(found) == 6 and {row["status"] for row in found.values()} == {"finished"}
