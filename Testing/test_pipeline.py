"""From files to a run folder, and on from wherever a run was left."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.images.io import read_labels, read_volume, write_volume
from MultimodalSegLib.images.point_file import write_points
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.pipeline import STAGES, run_segment
from MultimodalSegLib.progress import Event
from MultimodalSegLib.registration.transform_file import read_transform, write_transform
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import TRANSFORM, a_model, an_mr, true_labels, write_pair


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CT, an MRI and a model."""
    folder = tmp_path_factory.mktemp("case")
    write_pair(folder)
    a_model(folder / "model")
    return folder


@pytest.fixture(scope="module")
def the_events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def the_run(place: Path, the_events: list[Event]) -> RunFolder:
    """A run that was not interrupted."""
    return run_segment(options_for(place, place / "run"), the_events.append)


@pytest.fixture
def a_copy(the_run: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(the_run.path, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


def options_for(place: Path, out: Path, **more: object) -> SegmentOptions:
    volumes = {"CT": place / "ct.nrrd", "MR": place / "mr.nii.gz"}
    standard = SegmentOptions(volumes, out, model=str(place / "model"), probabilities=("Skull",), threads=1)
    return replace(standard, **more)


def contents(path: Path) -> dict[str, str]:
    """Checksum of every file."""
    files = [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def same_results(run: RunFolder, other: RunFolder) -> None:
    for name in ("aligned/CT.nrrd", "aligned/MR.nrrd", "probabilities/Skull.nrrd"):
        np.testing.assert_array_equal(read_volume(run.path / name).array, read_volume(other.path / name).array)
    np.testing.assert_array_equal(read_labels(run.segmentation).array, read_labels(other.segmentation).array)
    assert run.measurements.read_text(encoding="utf-8") == other.measurements.read_text(encoding="utf-8")
    assert run.lesions.read_text(encoding="utf-8") == other.lesions.read_text(encoding="utf-8")


def test_a_run_leaves_every_file_and_says_how_they_came_about(the_run: RunFolder, place: Path) -> None:
    scaling = {"calibrated": False, "temperature": 1.0, "slope": 1.0, "offset": 0.0}
    assert the_run.record["segmentation"]["probabilities"] == scaling
    assert set(contents(the_run.path)) == {
        "run.json",
        "transforms/MR_to_CT.h5",
        "aligned/CT.nrrd",
        "aligned/MR.nrrd",
        "segmentation.seg.nrrd",
        "probabilities/Skull.nrrd",
        "measurements.csv",
        "lesions.csv",
        "explanation/modalities.csv",
    }
    record = json.loads((the_run.path / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "finished" and list(record["stages"]) == list(STAGES)
    ct = (place / "ct.nrrd").read_bytes()
    assert record["inputs"]["CT"]["sha256"] == hashlib.sha256(ct).hexdigest()
    assert record["inputs"]["CT"]["path"] == str(place / "ct.nrrd")
    assert record["model"]["name"] == "tiny" and len(record["model"]["checksum"]) == 64
    assert record["parameters"]["registration"] == "rigid" and record["reference"] == "CT"
    assert record["versions"]["torch"] and record["device"] == "cpu" and record["peak_memory_mb"] > 50
    assert set(record["seconds"]) == set(STAGES)
    assert any("research use only" in sentence for sentence in record["warnings"])


def test_the_results_are_on_the_reference_grid_and_the_transform_is_right(the_run: RunFolder, place: Path) -> None:
    grid = read_volume(place / "ct.nrrd").grid
    labels = read_labels(the_run.segmentation)
    for volume in (labels, read_volume(the_run.aligned("MR"))):
        np.testing.assert_allclose(volume.grid.affine, grid.affine, atol=1e-6)
        assert volume.grid.size == grid.size
    assert len(np.unique(labels.array)) > 2
    mean, _ = registration_error(read_transform(the_run.transforms["MR"]), TRANSFORM, true_labels())
    assert mean < 1.0  # voxels of 4 mm; without registration it is 13 mm


def test_every_stage_tells_its_beginning_and_its_end(the_run: RunFolder, the_events: list[Event]) -> None:
    stages = list(dict.fromkeys(event.stage for event in the_events))
    assert stages == list(STAGES)
    for stage in STAGES:
        of_stage = [event for event in the_events if event.stage == stage]
        assert of_stage[0].done == 0 and of_stage[-1].done == of_stage[-1].total > 0


def test_a_finished_run_is_left_as_it_is(a_copy: RunFolder, place: Path) -> None:
    before = contents(a_copy.path)
    assert run_segment(options_for(place, a_copy.path, resume=True)).status == "finished"
    assert contents(a_copy.path) == before


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_run_goes_on_after_its_last_finished_stage(
    the_run: RunFolder, a_copy: RunFolder, place: Path, stage: str
) -> None:
    for later in STAGES[STAGES.index(stage) :]:
        for name in a_copy.record["stages"].pop(later)["files"]:
            (a_copy.path / name).unlink()
    a_copy.end("stopped")
    kept = contents(a_copy.path)
    events: list[Event] = []
    run = run_segment(options_for(place, a_copy.path, resume=True), events.append)
    assert run.status == "finished"
    begun = "read" if stage == "register" else stage  # the volumes are read for their registration
    assert {event.stage for event in events} == set(STAGES[STAGES.index(begun) :])
    for name, digest in kept.items():
        assert name == "run.json" or contents(run.path)[name] == digest
    same_results(run, the_run)


def test_a_deleted_result_is_made_again(the_run: RunFolder, a_copy: RunFolder, place: Path) -> None:
    a_copy.measurements.unlink()
    events: list[Event] = []
    run = run_segment(options_for(place, a_copy.path, resume=True), events.append)
    assert {event.stage for event in events} == {"measure"} and run.status == "finished"
    same_results(run, the_run)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"registration": "none"}, "registration"),
        ({"reference": "MR"}, "reference"),
        ({"probabilities": ()}, "probabilities"),
    ],
)
def test_a_run_does_not_go_on_with_other_parameters(a_copy: RunFolder, place: Path, change: dict, named: str) -> None:
    before = contents(a_copy.path)
    with pytest.raises(InputError, match=f"another {named}"):
        run_segment(options_for(place, a_copy.path, resume=True, **change))
    assert contents(a_copy.path) == before


def test_a_run_does_not_go_on_with_another_image(a_copy: RunFolder, place: Path, tmp_path: Path) -> None:
    before = contents(a_copy.path)
    other = an_mr()
    write_volume(other.with_array(other.array * 2), tmp_path / "other.nii.gz")
    volumes = {"CT": place / "ct.nrrd", "MR": tmp_path / "other.nii.gz"}
    with pytest.raises(InputError, match="MR volume is not the one"):
        run_segment(options_for(place, a_copy.path, resume=True, volumes=volumes))
    assert contents(a_copy.path) == before


def test_a_run_is_replaced_only_when_asked(a_copy: RunFolder, place: Path) -> None:
    before = contents(a_copy.path)
    with pytest.raises(OutputError, match="already holds a run"):
        run_segment(options_for(place, a_copy.path))
    assert contents(a_copy.path) == before
    only_ct = {"CT": place / "ct.nrrd"}
    run = run_segment(options_for(place, a_copy.path, overwrite=True, volumes=only_ct, probabilities=()))
    assert set(contents(run.path)) == {
        "run.json",
        "aligned/CT.nrrd",
        "segmentation.seg.nrrd",
        "measurements.csv",
        "lesions.csv",
        "explanation/modalities.csv",
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"probabilities": ("Skul",)}, "no class 'Skul'"),
        ({"volumes": {"PET": "ct.nrrd"}}, "cannot use a PET"),
        ({"volumes": {"US": "ct.nrrd"}}, "Unknown modality 'US'"),
        ({"volumes": {}}, "No volume"),
        ({"reference": "T1"}, "'T1' is not among"),
        ({"transforms": {"CT": "ct.nrrd"}}, "CT, which is not a moving volume"),
        ({"initial": {"CT": "ct.nrrd"}}, "CT, which is not a moving volume"),
        ({"initial": {"MR": "mr.nii.gz"}, "registration": "none"}, "is not registered"),
        ({"landmarks": {"CT": ("ct.nrrd", "ct.nrrd")}}, "Landmarks are given for CT, which is not a moving volume"),
        ({"landmarks": {"MR": ("ct.nrrd", "nothing.csv")}}, "nothing.csv does not exist"),
        ({"landmarks": {"MR": ("ct.nrrd", "mr.nii.gz")}, "initial": {"MR": "mr.nii.gz"}}, "say where MR starts"),
        ({"landmarks": {"MR": ("ct.nrrd", "mr.nii.gz")}}, "is not a file of points"),
        ({"volumes": {"CT": "gone.nrrd"}}, "gone.nrrd does not exist"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    place: Path, tmp_path: Path, change: dict, sentence: str
) -> None:
    for name in ("volumes", "transforms", "initial"):
        if name in change:
            change = change | {name: {modality: place / file for modality, file in change[name].items()}}
    if "landmarks" in change:
        files = {name: tuple(place / file for file in both) for name, both in change["landmarks"].items()}
        change = change | {"landmarks": files}
    with pytest.raises(InputError, match=sentence):
        run_segment(options_for(place, tmp_path / "run", **({"reference": ""} | change)))
    assert not (tmp_path / "run").exists()


def test_a_run_inside_an_input_folder_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="inside the input folder"):
        options_for(place, tmp_path / "dicom" / "run", volumes={"CT": tmp_path})


def test_a_poor_alignment_is_a_warning_and_landmarks_tell_how_poor(place: Path, tmp_path: Path) -> None:
    far_off = sitk.Euler3DTransform((0, 0, 0), 0.3, 0.2, -0.3, (45.0, 40.0, 20.0))
    write_transform(far_off, tmp_path / "far.h5")
    corners = np.array([[0.0, -88.0, 0.0], [74.0, 0.0, 0.0], [-74.0, 0.0, 0.0], [0.0, 0.0, 78.0]])
    files = tmp_path / "ct.csv", tmp_path / "mr.csv"
    for points, file in zip((corners, map_points(TRANSFORM, corners)), files, strict=True):
        write_points(points, file)
    given = {"transforms": {"MR": tmp_path / "far.h5"}, "landmarks": {"MR": files}}
    run = run_segment(options_for(place, tmp_path / "run", **given))
    errors = run.record["registration"]["MR"]["landmarks"]
    assert errors["count"] == 4 and errors["start_max_mm"] < 0.001 < 5 < errors["before_mean_mm"] < 15
    apart = np.linalg.norm(map_points(far_off, corners) - map_points(TRANSFORM, corners), axis=1)
    assert errors["mean_mm"] == pytest.approx(apart.mean(), abs=0.01)
    assert any("MR with CT moved away from the landmarks" in sentence for sentence in run.record["warnings"])
    assert list(run.record["parameters"]["landmarks"]) == ["MR"]
    assert any("alignment of MR with CT is probably wrong" in sentence for sentence in run.record["warnings"])
    found = read_transform(run.transforms["MR"])
    assert np.allclose(found.TransformPoint((1.0, 2.0, 3.0)), far_off.TransformPoint((1.0, 2.0, 3.0)))


def test_a_good_alignment_is_no_warning(the_run: RunFolder) -> None:
    assert not any(" wrong, look at it" in sentence for sentence in the_run.record["warnings"])


@pytest.fixture
def a_small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one of the two aligned volumes."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=180k", "none", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_space(
    place: Path, the_run: RunFolder, a_small_disk: Path
) -> None:
    options = options_for(place, a_small_disk / "run", transforms=the_run.transforms)
    with pytest.raises(OutputError, match="cannot be written") as caught:
        run_segment(options)
    assert ".partial" not in caught.value.message
    run = RunFolder.open(options.out)
    assert run.status == "failed" and run.has("read") and not run.has("segment")
    assert not (run.path / ".partial").exists()
    subprocess.run(["mount", "-o", "remount,size=8m", str(a_small_disk)], check=True)
    same_results(run_segment(replace(options, resume=True)), the_run)
