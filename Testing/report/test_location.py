"""Where lesions lie, and how far from what must not be harmed."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.components import components
from MultimodalSegLib.models.classes import SegmentClass
from MultimodalSegLib.report.at_risk import distances_at_risk, structures_at_risk
from MultimodalSegLib.report.location import Location, locate
from MultimodalSegLib.report.measurements import voxels_by_value
from MultimodalSegLib.report.sides import middle_plane
from Testing.report.shapes import LESION


def entry(name: str, value: int) -> SegmentClass:
    return SegmentClass(name, value, (1, 2, 3), "", "brain")


CLASSES = (
    entry("Left white matter", 2),
    entry("Right white matter", 41),
    entry("Left hippocampus", 17),
    entry("Right hippocampus", 53),
    entry("Brain stem", 16),
    LESION,
)
GRID = Grid((40, 30, 20), (1.0, 1.0, 2.0), (-20.0, 0.0, 0.0))


@pytest.fixture
def labels() -> Volume:
    """White matter left (x > 0) and right, a brain stem at the bottom, a hippocampus on the left."""
    array = np.full(GRID.shape, 41, np.uint16)
    array[:, :, 20:] = 2
    array[:2, :, 10:30] = 16
    array[10:12, 20:24, 34:38] = 17
    return Volume(array, GRID)


def found(labels: Volume) -> list[Location]:
    plane = middle_plane(CLASSES, voxels_by_value(labels.array), GRID)
    return [locate(part, labels, CLASSES, plane) for part in components(labels.array == LESION.value)]


def test_a_lesion_lies_in_what_surrounds_it_and_near_to_the_next(labels: Volume) -> None:
    labels.array[10:12, 10:14, 28:31] = LESION.value
    (place,) = found(labels)
    assert place.structures == (("Left white matter", 1.0),)
    assert (place.side, place.nearest) == ("left", "Left hippocampus")
    assert place.nearest_mm == pytest.approx(np.hypot(6, 3))  # from face to face: rows 14 to 19, columns 31 to 33


def test_a_lesion_over_the_middle_lies_on_both_sides(labels: Volume) -> None:
    labels.array[10:12, 3:6, 16:24] = LESION.value
    (place,) = found(labels)
    assert {name for name, _ in place.structures} == {"Left white matter", "Right white matter"}
    assert sum(share for _, share in place.structures) == pytest.approx(1) and place.side == "both"


def test_a_single_voxel_that_touches_a_structure_at_a_corner(labels: Volume) -> None:
    labels.array[12, 24, 33] = LESION.value
    (place,) = found(labels)
    assert place.nearest == "Left hippocampus" and place.nearest_mm == 0
    labels.array[12, 24, 33] = 2
    labels.array[5, 1, 1] = LESION.value
    (place,) = found(labels)
    assert place.structures == (("Right white matter", 1.0),) and place.side == "right"
    assert place.nearest == "Brain stem" and place.nearest_mm == pytest.approx(np.hypot(3 * 2, 8))


def test_where_nothing_is_segmented_no_place_is_told() -> None:
    labels = Volume(np.zeros(GRID.shape, np.uint16), GRID)
    labels.array[0, 0, 0] = LESION.value
    assert found(labels) == [Location((), "", "", None)]


def test_distances_to_structures_at_risk_are_from_face_to_face(labels: Volume) -> None:
    labels.array[10, 10:12, 34] = labels.array[2, 5, 25] = LESION.value
    where = voxels_by_value(labels.array)
    at_risk = structures_at_risk(CLASSES)
    assert [one.name for one in at_risk] == ["Left hippocampus", "Right hippocampus", "Brain stem"]
    distances = distances_at_risk(components(labels.array == LESION.value), where, GRID, at_risk)
    assert distances[0]["Left hippocampus"] == pytest.approx(8)
    assert distances[0]["Brain stem"] == pytest.approx(np.hypot(8 * 2, 4))
    assert distances[1]["Brain stem"] == 0, "they touch"
    assert all("Right hippocampus" not in entry for entry in distances), "it is not in the result"


def test_distances_agree_with_all_pairs_of_voxels() -> None:
    random = np.random.default_rng(3)
    grid = Grid((14, 12, 10), (0.8, 1.1, 3.0))
    array = np.zeros(grid.shape, np.uint16)
    array[random.random(grid.shape) < 0.02] = 16
    array[4:6, 4:8, 3:9] = LESION.value
    (part,) = components(array == LESION.value)
    (distance,) = distances_at_risk([part], voxels_by_value(array), grid, [CLASSES[4]])
    step = np.array(grid.spacing)[::-1]
    apart = np.abs(part.index[:, None] - np.argwhere(array == 16)[None])
    exact = np.linalg.norm(np.maximum(apart - 1, 0) * step, axis=-1).min()
    assert exact - 1e-9 <= distance["Brain stem"] <= exact + 0.8  # that of the pair whose centers are nearest


def test_chosen_structures_may_be_parts_of_names_and_unknown_ones_are_refused() -> None:
    assert [one.value for one in structures_at_risk(CLASSES, ["LEFT HIPP", "stem"])] == [17, 16]
    with pytest.raises(InputError, match="no structure 'amygdala'"):
        structures_at_risk(CLASSES, ["stem", "amygdala"])
    with pytest.raises(InputError, match="no structure 'lesion'"):
        structures_at_risk(CLASSES, ["lesion"])
