"""A run corrected by clicks: the file Slicer opens, what neighbors keep, and the way back."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError, ModelError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle, list_bundles
from MultimodalSegLib.report.seg_nrrd import classes_in_file
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.stages.measure import run_measure
from MultimodalSegLib.stages.refine import refine, undo
from Testing.refinement.handmade import a_click_model

TUMOR = [(-30.0, 25.0, 30.0)]


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return a_click_model(tmp_path_factory.mktemp("models") / "clicks")


@pytest.fixture
def run(a_finished_run: RunFolder, tmp_path: Path) -> Path:
    return Path(shutil.copytree(a_finished_run.path, tmp_path / "run"))


def labels(run: Path) -> np.ndarray:
    return read_labels(run / "segmentation.seg.nrrd").array


def test_a_new_segment_is_in_the_file_and_can_be_measured(run: Path, clicks: Bundle) -> None:
    before = labels(run)
    found = refine(run, TUMOR, new="Missed", allow_overwrite=True, model=str(clicks.path))
    assert found.added_ml > 3
    after = labels(run)
    assert (after == found.segment.value).sum() * open_run(run).aligned.grid.voxel_ml == pytest.approx(found.added_ml)
    mine = after == found.segment.value
    assert np.array_equal(after[~mine], before[~mine])
    assert "Missed" in [one.name for one in classes_in_file(run / "segmentation.seg.nrrd")]
    run_measure(open_run(run))
    assert "Missed" in (run / "measurements.csv").read_text(encoding="utf-8")


def test_neighbors_keep_their_voxels_unless_it_is_allowed(run: Path, clicks: Bundle) -> None:
    before = labels(run)
    found = refine(run, TUMOR, new="Missed", model=str(clicks.path))
    after = labels(run)
    assert np.array_equal(after[before > 0], before[before > 0])
    assert sum(found.withheld_ml.values()) == pytest.approx(
        (found.mask.array & (before > 0)).sum() * found.mask.grid.voxel_ml
    )
    assert any("neighbors keep" in text for text in found.warnings) == bool(found.withheld_ml)


def test_a_segment_that_gets_next_to_nothing_is_told_in_one_sentence(run: Path, clicks: Bundle) -> None:
    """A lesion inside a structure, which keeps all of it."""
    whole = refine(run, TUMOR, new="Around", allow_overwrite=True, model=str(clicks.path))
    assert not any("neighbors" in text for text in whole.warnings)
    found = refine(run, TUMOR, new="Missed", model=str(clicks.path))
    assert found.added_ml < 0.1 * whole.added_ml
    told = [text for text in found.warnings if "neighbors" in text]
    assert len(told) == 1 and told[0].startswith("Missed has only") and "--allow-overwrite" in told[0]
    assert f"{found.mask.array.sum() * found.mask.grid.voxel_ml:.2f} ml that were found" in told[0]


def test_the_next_click_goes_on_from_the_whole_object_and_undo_comes_back_step_by_step(
    run: Path, clicks: Bundle
) -> None:
    start = labels(run)
    first = refine(run, TUMOR, new="Missed", allow_overwrite=True, model=str(clicks.path))
    one = labels(run)
    second = refine(run, negative=[(-20.0, 25.0, 30.0)], segment="missed", model=str(clicks.path))
    assert second.removed_ml > 0 and second.segment == first.segment
    history = json.loads((run / "run.json").read_text(encoding="utf-8"))["refinements"]
    assert [entry["segment"] for entry in history] == ["Missed", "Missed"]
    assert undo(run) == "Missed"
    assert np.array_equal(labels(run), one)
    assert undo(run) == "Missed"
    assert np.array_equal(labels(run), start)
    with pytest.raises(InputError, match="Nothing was corrected"):
        undo(run)


def test_the_trunk_looks_once(run: Path, clicks: Bundle) -> None:
    told: list[str] = []
    for name in ("One", "Two"):
        refine(run, TUMOR, new=name, model=str(clicks.path), progress=lambda event: told.append(event.message))
    assert len([text for text in told if text.startswith("Looking at the volumes")]) == 1


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({}, "not said which segment"),
        ({"segment": "a", "new": "b"}, "not said which segment"),
        ({"segment": "Nothing"}, "no segment 'Nothing'"),
        ({"new": " "}, "cannot be the name"),
        ({"new": "a\nb"}, "cannot be the name"),
        ({"new": "a\x07"}, "cannot be the name"),
        ({"new": "a~^b"}, "cannot be the name"),
        ({"new": "a" * 65}, "cannot be the name"),
    ],
)
def test_an_unclear_segment_is_told(run: Path, clicks: Bundle, choice: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        refine(run, TUMOR, model=str(clicks.path), **choice)


def test_space_around_a_name_is_left_out(run: Path, clicks: Bundle) -> None:
    assert refine(run, TUMOR, new=" Lésion 2 ", model=str(clicks.path)).segment.name == "Lésion 2"


def test_a_new_segment_of_points_beside_it_alone_is_refused(run: Path, clicks: Bundle) -> None:
    before = labels(run)
    with pytest.raises(InputError, match="Only places beside the object"):
        refine(run, negative=TUMOR, new="Empty", model=str(clicks.path))
    assert np.array_equal(labels(run), before) and "Empty" not in [
        one.name for one in open_run(run).segmentation.classes
    ]


def test_a_refused_prompt_leaves_the_run_as_it_was(run: Path, clicks: Bundle) -> None:
    before = labels(run)
    with pytest.raises(InputError, match="outside"):
        refine(run, [(900.0, 0.0, 0.0)], new="Far", model=str(clicks.path))
    open_run(run)
    assert np.array_equal(labels(run), before)


@pytest.mark.parametrize("written", [False, True])
def test_a_correction_that_was_stopped_is_known_if_it_is_there(
    run: Path, clicks: Bundle, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    before, write = labels(run), RunFolder.write

    def stopped(folder: RunFolder, path: Path, *rest: Any) -> None:
        if path == folder.segmentation and not written:
            raise KeyboardInterrupt
        write(folder, path, *rest)
        if path == folder.segmentation:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        refine(run, TUMOR, new="Missed", allow_overwrite=True, model=str(clicks.path))
    monkeypatch.undo()
    assert np.array_equal(labels(run), before) is not written
    known = [entry["segment"] for entry in open_run(run).folder.record.get("refinements", [])]
    assert known == (["Missed"] if written else [])
    if written:
        undo(run)
        assert np.array_equal(labels(run), before)


def test_a_model_of_another_kind_or_none_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="does not answer clicks"):
        refine(run, TUMOR, new="It", model=open_run(run).bundle.path.as_posix())
    monkeypatch.setattr("MultimodalSegLib.models.folders.search_folders", lambda: (run,))
    with pytest.raises(ModelError, match="No model that answers clicks"):
        refine(run, TUMOR, new="It")


def test_a_damaged_run_is_told(run: Path, clicks: Bundle) -> None:
    (run / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="no readable run.json"):
        refine(run, TUMOR, new="It", model=str(clicks.path))


def test_a_click_model_is_not_offered_for_segmenting(clicks: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMS_MODELS", str(clicks.path.parent))
    assert "clicks" not in {bundle.path.name for bundle in list_bundles()}
    with pytest.raises(ModelError, match="answers clicks"):
        clicks.check_segments()


def test_a_mask_edited_elsewhere_is_gone_on_from(run: Path, clicks: Bundle, tmp_path: Path) -> None:
    first = refine(run, TUMOR, new="Missed", allow_overwrite=True, model=str(clicks.path))
    far = np.zeros(first.mask.array.shape, np.uint8)
    far[2, 2, 2] = 1
    write_volume(Volume(far, first.mask.grid), tmp_path / "edited.nrrd")
    second = refine(run, TUMOR, segment="Missed", start=tmp_path / "edited.nrrd", model=str(clicks.path))
    assert second.mask.array[2, 2, 2] and second.mask.array.sum() > 1
    write_volume(Volume(far[1:], Grid((44, 48, 39))), tmp_path / "other.nrrd")
    with pytest.raises(InputError, match="not on the grid"):
        refine(run, TUMOR, segment="Missed", start=tmp_path / "other.nrrd", model=str(clicks.path))


def test_a_mask_in_another_place_is_refused(run: Path, clicks: Bundle, tmp_path: Path) -> None:
    """Of the same shape, but moved, or with an axis the other way round."""
    grid = open_run(run).segmentation.labels.grid
    x, y, z = grid.origin
    moved = replace(grid, origin=(x + 60, y + 40, z - 50))
    flipped = replace(grid, direction=tuple(-d if n % 3 == 0 else d for n, d in enumerate(grid.direction)))
    for name, other in (("moved", moved), ("flipped", flipped)):
        write_volume(Volume(np.ones(grid.shape, np.uint8), other), tmp_path / f"{name}.nrrd")
        with pytest.raises(InputError, match="not on the grid"):
            refine(run, TUMOR, new="Missed", start=tmp_path / f"{name}.nrrd", model=str(clicks.path))
