"""Explanations of a finished run: the maps, what stays, and clear words for what cannot be explained."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.restore import FinishedRun, open_run
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.stages.explain import MOST_LESIONS, chosen_class, chosen_regions, run_explain
from MultimodalSegLib.stages.explain_options import ExplainOptions

LESION = 600


@pytest.fixture
def run(a_finished_run: RunFolder, tmp_path: Path) -> FinishedRun:
    return open_run(shutil.copytree(a_finished_run.path, tmp_path / "run"))


def with_labels(run: FinishedRun, array: np.ndarray) -> FinishedRun:
    labels = run.segmentation.labels.with_array(array.astype(np.uint16))
    return replace(run, segmentation=replace(run.segmentation, labels=labels))


def empty(run: FinishedRun) -> np.ndarray:
    return np.zeros(run.segmentation.labels.array.shape, np.uint16)


def test_maps_lie_on_the_reference_grid_from_0_to_1_with_their_figures(run: FinishedRun) -> None:
    seen = []
    names = run_explain(run, ExplainOptions("skull", threads=1), lambda event: seen.append(event.done))
    assert names == ["skull.gradcam"] and seen == sorted(seen) and seen[-1] == 100
    map_ = read_volume(run.folder.path / "explanation" / "skull.gradcam.nrrd")
    assert map_.grid.shape == run.aligned.grid.shape and np.allclose(map_.grid.affine, run.aligned.grid.affine)
    assert map_.array.dtype == np.float32 and map_.array.min() >= 0 and map_.array.max() <= 1
    figures = json.loads((run.folder.path / "explanation" / "faithfulness.json").read_text(encoding="utf-8"))[
        "skull.gradcam"
    ]
    wanted = {"insertion_area", "deletion_area", "pointing_game", "mass_inside", "stability", "ignores_weights"}
    assert wanted <= set(figures) and figures["ignores_weights"] in (True, False)
    assert set(figures["baselines"]) == {"random", "blurred mask"}
    assert all(len(of["insertion"]["probability"]) == 8 for of in (figures, *figures["baselines"].values()))


def test_an_explanation_stays_beside_a_later_one_and_is_replaced_by_its_own_kind(run: FinishedRun) -> None:
    plain = ExplainOptions("left white matter", threads=1, faithfulness=False)
    run_explain(run, plain)
    run_explain(run, replace(plain, name="ventricle", method="gradcam++", layer="encoder4"))
    run_explain(run, plain)
    again = open_run(run.folder.path)  # checks every listed file
    files = set(again.folder.record["stages"]["explain"]["files"])
    assert files == {
        "explanation/left_white_matter.gradcam.nrrd",
        *(f"explanation/ventricle.gradcam++{end}.nrrd" for end in ("", "-CT", "-MR")),
        "explanation/faithfulness.json",
    }
    assert set(again.folder.record["explanation"]) == {"left_white_matter.gradcam", "ventricle.gradcam++"}
    assert again.folder.status == "finished"


def test_lesions_are_explained_together_and_one_by_one(run: FinishedRun) -> None:
    array = empty(run)
    array[20:24, 20:24, 20:24] = LESION
    array[12, 25, 20] = LESION  # a single voxel
    run = with_labels(run, array)
    options = ExplainOptions(threads=1, faithfulness=False)
    assert run_explain(run, options) == ["lesion.gradcam", "lesion_1.gradcam", "lesion_2.gradcam"]
    assert run_explain(run, replace(options, lesion=2)) == ["lesion_2.gradcam"]
    with pytest.raises(InputError, match="no lesion 3; this run has 2"):
        run_explain(run, replace(options, lesion=3))


def test_the_largest_lesions_get_figures_and_an_empty_map_is_not_believed(run: FinishedRun, monkeypatch) -> None:
    monkeypatch.setattr("MultimodalSegLib.stages.explain.MOST_RATED", 1)
    monkeypatch.setattr("MultimodalSegLib.explain.faithfulness.STEPS", (0.0, 1.0))
    array = empty(run)
    array[20:24, 20:24, 20:24] = array[12, 25, 20:22] = array[30, 25, 20] = LESION
    run, seen = with_labels(run, array), []
    names = run_explain(run, ExplainOptions(threads=1), lambda event: seen.append(event.done))
    figures = json.loads((run.folder.path / "explanation" / "faithfulness.json").read_text(encoding="utf-8"))
    assert len(names) == 4 and list(figures) == names[:2] and seen == sorted(seen) and seen[-1] == 100
    assert "baselines" in figures[names[0]] and "baselines" not in figures[names[1]]
    for name in names[:2]:
        shown = read_volume(run.folder.path / "explanation" / f"{name}.nrrd").array.any()
        assert (figures[name]["ignores_weights"] is None) is not shown, "only an empty map leaves the question open"
    run_explain(run, ExplainOptions(threads=1, thorough=False))
    figures = json.loads((run.folder.path / "explanation" / "faithfulness.json").read_text(encoding="utf-8"))
    assert list(figures) == names[:1] and "baselines" not in figures[names[0]]


def test_of_hundreds_of_lesions_the_largest_are_explained(run: FinishedRun) -> None:
    array = empty(run)
    array[::3, ::3, ::3] = LESION
    array[10:12, 10:12, 10:12] = LESION
    run = with_labels(run, array)
    regions = chosen_regions(run, chosen_class(run, "Lesion"))
    assert [r.stem for r in regions] == ["lesion", *(f"lesion_{n}" for n in range(1, MOST_LESIONS + 1))]
    assert regions[1].mask.sum() > regions[2].mask.sum()
    assert any("lesions only the 10 largest" in sentence for sentence in run.folder.record["warnings"])
    assert len(chosen_regions(run, chosen_class(run, "lesion"), each=False)) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ExplainOptions("spleen"), "no class 'spleen'"),
        (ExplainOptions("skull"), "Skull was not found"),
        (ExplainOptions("ventricle", lesion=1), "no lesion that could be counted"),
        (ExplainOptions("ventricle", layer="fused64"), "no layer 'fused64'"),
        (ExplainOptions("ventricle", method="attention"), "no attention"),
        (ExplainOptions("ventricle", method="magic"), "no method 'magic'"),
    ],
)
def test_what_cannot_be_explained_is_told(run: FinishedRun, options: ExplainOptions, words: str) -> None:
    array = empty(run)
    array[20:24, 20:24, 20:24] = 4
    with pytest.raises(InputError, match=words) as told:
        run_explain(with_labels(run, array), options)
    assert told.value.hint
    assert not list((run.folder.path / "explanation").glob("*.nrrd"))


def test_an_empty_segmentation_is_told(run: FinishedRun) -> None:
    with pytest.raises(InputError, match="was not found") as told:
        run_explain(with_labels(run, empty(run)), ExplainOptions())
    assert "empty" in told.value.hint


def test_a_run_without_one_modality_is_explained_with_the_other(run: FinishedRun) -> None:
    alone = replace(run, aligned=replace(run.aligned, volumes={"CT": run.aligned.volumes["CT"]}, registrations={}))
    assert run_explain(alone, ExplainOptions("skull", layer="encoder2", threads=1, faithfulness=False))
    assert not (run.folder.path / "explanation" / "skull.gradcam-MR.nrrd").exists()


def test_a_cancelled_explanation_leaves_the_run_as_it_was(run: FinishedRun) -> None:
    def stop(event):
        if event.done > 10:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run_explain(run, ExplainOptions("skull", threads=1), stop)
    again = open_run(run.folder.path)
    assert again.folder.status == "finished" and not again.folder.has("explain")
