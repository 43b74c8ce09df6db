"""``register`` with a start that a person gives."""

import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.registration.transform_file import read_transform
from Testing.phantoms import TRANSFORM, true_labels

PLACES = np.array([[0.0, -88.0, 0.0], [74.0, 0.0, 0.0], [-74.0, 0.0, 0.0], [0.0, 0.0, 78.0], [30.0, -60.0, -10.0]])


def table(file: Path, points: np.ndarray) -> Path:
    file.write_text(
        "label,x,y,z\n" + "".join(f"{n},{x},{y},{z}\n" for n, (x, y, z) in enumerate(points.tolist())), encoding="utf-8"
    )
    return file


def test_landmarks_start_a_registration_and_their_error_is_told(command, place: Path, tmp_path: Path) -> None:
    by_hand = map_points(TRANSFORM, PLACES) + np.random.default_rng(1).normal(0.0, 3.0, PLACES.shape)
    files = table(tmp_path / "ct.csv", PLACES), table(tmp_path / "mr.csv", by_hand)
    given = ("register", "--fixed", place / "ct.nrrd", "--moving", place / "mr.nii.gz", "--out", tmp_path / "found.h5")
    ended = command(*given, "--landmarks", *files)
    assert ended.code == 0, ended.err
    assert registration_error(read_transform(tmp_path / "found.h5"), TRANSFORM, true_labels())[0] < 5
    told = re.search(
        r"(\d+) landmarks: .* before the registration, (.+?) mm .* fit, (.+?) mm .*at most (.+?)\) after",
        " ".join(ended.out.split()),
    )
    assert told is not None, ended.out
    count, start, after, largest = map(float, told.groups())
    assert count == 5 and 0 < start < after < largest < 15


def test_a_start_is_given_once_and_must_be_readable(command, place: Path, tmp_path: Path) -> None:
    given = ("register", "--fixed", place / "ct.nrrd", "--moving", place / "mr.nii.gz", "--out", tmp_path / "found.h5")
    points = table(tmp_path / "points.csv", PLACES)
    sitk.WriteTransform(TRANSFORM, str(tmp_path / "start.h5"))
    both = command(*given, "--landmarks", points, points, "--initial", tmp_path / "start.h5")
    assert both.code == 2 and "Give one of them" in both.err
    few = command(*given, "--landmarks", points, table(tmp_path / "few.csv", PLACES[:2]))
    assert few.code == 2 and "has 5 points and few.csv 2" in few.err
    missing = command(*given, "--initial", tmp_path / "missing.h5")
    assert missing.code == 2 and "missing.h5" in missing.err


def test_kind_none_measures_what_is_given_and_changes_nothing(command, place: Path, tmp_path: Path) -> None:
    given = ("register", "--fixed", place / "ct.nrrd", "--moving", place / "mr.nii.gz", "--kind", "none", "--seed", "3")
    sitk.WriteTransform(TRANSFORM, str(tmp_path / "true.h5"))
    shifted = sitk.CompositeTransform([TRANSFORM, sitk.TranslationTransform(3, (0.0, 20.0, 0.0))])
    sitk.WriteTransform(shifted, str(tmp_path / "shifted.h5"))
    errors, common = {}, {}
    for name in ("true", "shifted"):
        ended = command(*given, "--initial", tmp_path / f"{name}.h5")
        assert ended.code == 0 and "Transform:" not in ended.out, ended.err
        told = " ".join(ended.out.split())
        errors[name] = float(re.findall(r"Estimated error about ([\d.]+) mm", told)[0])
        common[name] = float(re.findall(r"before and ([\d.]+) after", told)[0])
    assert errors["shifted"] > 10 > 4 > errors["true"] and common["true"] > common["shifted"]
    headers = command(*given, "--out", tmp_path / "same.h5")
    assert headers.code == 0 and "Estimated error" in headers.out
    assert np.allclose(map_points(read_transform(tmp_path / "same.h5"), PLACES), PLACES)
    nowhere = command(*given[:5])
    assert nowhere.code == 2 and "Add --out" in nowhere.err
