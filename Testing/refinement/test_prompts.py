"""What a person says, read from the command line and from files."""

import json
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.refinement.prompts import MOST_STROKE_POINTS, Prompts, given_points, numbers, read_scribble

OBLIQUE = Grid((12, 10, 8), (1.0, 2.0, 3.0), (5.0, -7.0, 11.0), (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))


def test_a_point_is_three_numbers() -> None:
    assert given_points("1,-2.5,30").tolist() == [[1.0, -2.5, 30.0]]


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "a,b,c", "1;2;3"])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(InputError, match="is not 3 numbers"):
        numbers(text, 3)


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("RAS", -1)])
def test_points_of_slicer_are_read_in_the_system_they_name(tmp_path: Path, system: str, sign: int) -> None:
    """Those that are yet to be placed, or hang on the mouse, are in the file too, at the origin or anywhere."""
    file = tmp_path / "F.mrk.json"
    points = [
        {"position": [0.0, 0.0, 0.0], "positionStatus": "undefined"},
        {"position": [1.0, 2.0, 3.0], "positionStatus": "defined"},
        {"position": [-4.0, 5.0, 6.0]},
        {"position": [7.0, 7.0, 7.0], "positionStatus": "preview"},
    ]
    file.write_text(json.dumps({"markups": [{"coordinateSystem": system, "controlPoints": points}]}), encoding="utf-8")
    assert given_points(str(file)).tolist() == [[sign, 2 * sign, 3], [-4 * sign, 5 * sign, 6]]


def test_the_older_form_of_slicer_and_tables_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "F.fcsv").write_text(
        "# Markups fiducial file version = 4.11\n# CoordinateSystem = RAS\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n1,10,20,30,0,0,0,1,1,1,0,F-1,,\n",
        encoding="utf-8",
    )
    (tmp_path / "F.csv").write_text("label,x,y,z\na,-10,-20,30\n", encoding="utf-8")
    for name in ("F.fcsv", "F.csv"):
        assert given_points(str(tmp_path / name)).tolist() == [[-10, -20, 30]]


def test_a_file_without_points_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    announced = {"controlPoints": [{"position": [0, 0, 0], "positionStatus": "undefined"}]}
    (tmp_path / "b.mrk.json").write_text(json.dumps({"markups": [announced]}), encoding="utf-8")
    for name, sentence in (("a.json", "not a file of points"), ("none.json", "not a file"), ("b.mrk.json", "no point")):
        with pytest.raises(InputError, match=sentence):
            given_points(str(tmp_path / name))


def test_strokes_become_points_of_the_patient_and_are_thinned(tmp_path: Path) -> None:
    painted = np.zeros(OBLIQUE.shape, np.uint8)
    painted[2, 3, 4] = 2
    painted[4:8] = 1
    write_volume(Volume(painted, OBLIQUE), tmp_path / "s.nrrd")
    inside, outside = read_scribble(tmp_path / "s.nrrd")
    assert outside.tolist() == [(OBLIQUE.affine @ [4, 3, 2, 1])[:3].tolist()]
    assert MOST_STROKE_POINTS // 2 < len(inside) <= MOST_STROKE_POINTS
    index = (inside - OBLIQUE.affine[:3, 3]) @ np.linalg.inv(OBLIQUE.affine[:3, :3]).T
    assert (np.rint(index[:, 2]) >= 4).all()


def test_an_empty_scribble_is_told(tmp_path: Path) -> None:
    write_volume(Volume(np.zeros(OBLIQUE.shape, np.uint8), OBLIQUE), tmp_path / "s.nrrd")
    with pytest.raises(InputError, match="no stroke"):
        read_scribble(tmp_path / "s.nrrd")


def test_corners_of_a_box_may_be_any_two_opposite_ones() -> None:
    assert np.array(Prompts(box=[(5, -1, 9), (1, 4, 2)]).box).tolist() == [[1, -1, 2], [5, 4, 9]]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Nothing is said"),
        ({"positive": [(1, 2)]}, "no list of points"),
        ({"positive": [(1, 2, np.nan)]}, "not finite"),
        ({"box": [(1, 1, 1), (1, 2, 2)]}, "no extent"),
    ],
)
def test_what_cannot_be_meant_is_told(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Prompts(**said)  # type: ignore[arg-type]
