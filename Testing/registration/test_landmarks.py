"""Landmarks of Slicer and of tables become a start, and tell how far a result is from them."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.point_file import read_points, write_points
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.registration.landmark_file import read_landmarks
from MultimodalSegLib.registration.landmarks import Landmarks, errors_text, landmark_warnings

LABELS = ("nasion", "left ear", "right ear", "vertex")
POINTS = np.array([[0.0, -90.0, 0.0], [75.0, 0.0, -5.0], [-75.0, 2.0, -5.0], [0.0, 5.0, 85.0]])
FCSV = "# Markups fiducial file version = 4.11\n# CoordinateSystem = {}\n"
FCSV += "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"


def markups(file: Path, points: np.ndarray, system: str = "LPS", labels: tuple[str, ...] = LABELS) -> Path:
    controls = [{"label": n, "position": p} for n, p in zip(labels, points.tolist(), strict=True)]
    controls.append({"label": "to be placed", "position": [0, 0, 0], "positionStatus": "preview"})
    content = {"markups": [{"type": "Fiducial", "coordinateSystem": system, "controlPoints": controls}]}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_every_form_gives_the_same_points_in_lps(tmp_path: Path) -> None:
    ras = POINTS * (-1, -1, 1)
    for system, points in (("LPS", POINTS), ("RAS", ras), ("0", ras)):
        rows = [f"n_{n},{x},{y},{z},0,0,0,1,1,1,0,{LABELS[n]},,\n" for n, (x, y, z) in enumerate(points.tolist())]
        (tmp_path / f"{system}.fcsv").write_text(FCSV.format(system) + "".join(rows), encoding="utf-8")
    for axes, points in (("x, y, z", POINTS), ("R,A,S", ras)):
        rows = [f"{name},{x},{y},{z}\n" for name, (x, y, z) in zip(LABELS, points.tolist(), strict=True)]
        (tmp_path / f"{axes[0]}.csv").write_text(f"label,{axes}\n" + "".join(rows), encoding="utf-8")
    markups(tmp_path / "lps.mrk.json", POINTS)
    markups(tmp_path / "ras.mrk.json", ras, "RAS")
    files = list(tmp_path.iterdir())
    assert len(files) == 7
    for file in files:
        labels, found = read_points(file)
        assert tuple(labels) == LABELS, file
        np.testing.assert_allclose(found, POINTS, err_msg=file.name)


def test_labels_pair_the_points_and_the_fit_is_exact(tmp_path: Path) -> None:
    motion = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.7, -0.5, 1.0, (80.0, -20.0, 10.0))
    order = [2, 0, 3, 1]
    there = markups(tmp_path / "t1.mrk.json", map_points(motion, POINTS)[order], labels=tuple(LABELS[n] for n in order))
    pairs = read_landmarks(markups(tmp_path / "ct.mrk.json", POINTS), there)
    assert pairs.error(pairs.transform())[1] < 1e-6
    assert pairs.error(sitk.Transform(3, sitk.sitkIdentity))[0] > 50.0


def test_landmarks_set_by_hand_give_least_squares() -> None:
    """A mirror image cannot be reached by turning; noise is averaged; the error has the noise's size."""
    noise = np.random.default_rng(0).normal(0.0, 2.0, POINTS.shape)
    pairs = Landmarks(POINTS, POINTS + noise)
    found = pairs.transform()
    assert np.linalg.det(np.reshape(found.GetMatrix(), (3, 3))) == pytest.approx(1.0)
    mean, largest = pairs.error(found)
    assert 0.3 < mean < 3.0 and mean < largest < 5.0
    np.testing.assert_allclose(map_points(found, POINTS), POINTS @ pairs.rigid()[:3, :3].T + pairs.rigid()[:3, 3])
    assert pairs.error(pairs.rigid()) == pytest.approx((mean, largest))
    moved = POINTS + np.random.default_rng(1).normal(0.0, 2.0, POINTS.shape)
    few_turns = sitk.Euler3DTransform(POINTS.mean(axis=0).tolist(), 0.02, -0.01, 0.02, (0.5, 0.5, 0.0))
    squares = [
        np.sum((map_points(start, POINTS) - moved) ** 2)
        for start in (Landmarks(POINTS, moved).transform(), sitk.Transform(3, sitk.sitkIdentity), few_turns)
    ]
    assert squares[0] == min(squares), "no other motion may fit better"
    mirrored = Landmarks(POINTS, POINTS * (-1, 1, 1))
    assert np.linalg.det(np.reshape(mirrored.transform().GetMatrix(), (3, 3))) == pytest.approx(1.0)


def test_errors_are_told_before_at_the_fit_and_after_and_a_registration_that_left_is_warned_of() -> None:
    shift = np.array([0.0, 30.0, 0.0])
    noise = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    pairs = Landmarks(POINTS, POINTS + shift + noise)
    started = pairs.errors()
    assert started["count"] == 4 and started["before_mean_mm"] == pytest.approx(30.0, abs=0.1)
    assert 0 < started["start_mean_mm"] < 1.0 and "mean_mm" not in started
    near = pairs.errors(sitk.TranslationTransform(3, shift.tolist()))
    assert (near["mean_mm"], near["max_mm"]) == (1.0, 1.0)
    assert errors_text(near).startswith("30.0 mm apart (at most 30.0) before the registration, ")
    assert errors_text(near).endswith("1.0 mm (at most 1.0) after the registration")
    assert landmark_warnings("T1", "CT", near) == []
    far = pairs.errors(sitk.TranslationTransform(3, [0.0, 37.0, 0.0]))
    assert "T1 with CT moved away from the landmarks, 7.1 mm instead" in landmark_warnings("T1", "CT", far)[0]


def test_points_that_are_written_are_read_again_exactly(tmp_path: Path) -> None:
    points = POINTS / 3.0
    write_points(points, tmp_path / "points.csv")
    labels, again = read_points(tmp_path / "points.csv")
    assert labels == ["1", "2", "3", "4"] and np.array_equal(again, points)


@pytest.mark.parametrize(
    ("points", "said"), [(POINTS[:2], "only 2 pairs"), (np.outer(np.arange(5.0), [30.0, 10.0, 5.0]), "near one line")]
)
def test_too_little_for_a_rigid_transform_is_refused(points: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Landmarks(points, points).transform()
    assert caught.value.hint


@pytest.mark.parametrize(
    "content", ["", "label,x,y\nnose,1,2\n", "label,x,y,z\nnose,1,2,far\n", "label,x,y,z\nnose,1,2,nan\n"]
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    for ending in (".csv", ".fcsv", ".mrk.json"):
        file = tmp_path / f"points{ending}"
        file.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=f"points{ending}") as caught:
            read_points(file)
        assert "Slicer" in caught.value.hint


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 4 points and fewer.mrk.json 3"):
        read_landmarks(
            markups(tmp_path / "all.mrk.json", POINTS),
            markups(tmp_path / "fewer.mrk.json", POINTS[:3], labels=LABELS[:3]),
        )
