"""Lesions of asked kind, place and size in a pair of volumes."""

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.painting.asked import AskedLesion, drawn, lesion_mask, work_grid
from MultimodalSegLib.painting.paint import paint
from MultimodalSegLib.progress import Event
from Testing.painting.handmade import FAMILY, a_painter, a_pair

ASKED = AskedLesion("infarct", (8.0, -6.0, 5.0), 12.0)


def distances(volume: Volume, place: tuple[float, float, float]) -> np.ndarray:
    """Of every voxel from a place, mm."""
    k, j, i = np.indices(volume.grid.shape)
    away: np.ndarray = np.linalg.norm(volume.grid.points(np.stack([i, j, k], -1)) - place, axis=-1)
    return away


def test_it_lies_where_it_was_asked_for_in_both_volumes_and_nowhere_else() -> None:
    pair = a_pair()
    result = paint(pair, [ASKED], a_painter(), FAMILY)
    for name, volume in result.volumes.items():
        changed = volume.array != pair[name].array
        away = distances(volume, ASKED.place)
        assert volume.grid == pair[name].grid and changed[away < 3].all()
        assert not changed[away > 24].any()
        assert np.abs(np.mean(volume.grid.points(np.argwhere(changed)[:, ::-1]), axis=0) - ASKED.place).max() < 3
    assert result.mask.grid == pair["CT"].grid and set(np.unique(result.mask.array)) == {0, 1}
    middle = result.mask.grid.points(np.argwhere(result.mask.array)[:, ::-1]).mean(0)
    assert np.abs(middle - ASKED.place).max() < 3


@pytest.mark.parametrize("mm", [6.0, 12.0, 30.0])
@pytest.mark.parametrize("kind", ["infarct", "tumor"])
def test_its_volume_is_that_of_a_ball_of_the_size_asked_for(mm: float, kind: str) -> None:
    shapes = [drawn(AskedLesion(kind, (0.0, 0.0, 0.0), mm), np.random.default_rng(n)) for n in range(5)]
    found = [lesion_mask(shape, work_grid(shape, 2)).sum() for shape in shapes]
    assert np.mean(found) == pytest.approx(np.pi / 6 * mm**3, rel=0.35)
    assert all(lesion_mask(shape, work_grid(shape, 2))[[0, -1]].sum() == 0 for shape in shapes)


def test_several_lesions_have_numbers_of_their_own_and_all_is_as_its_seed_says() -> None:
    asked = [ASKED, AskedLesion("tumor", (-10.0, 4.0, -4.0), 8.0)]
    first, again, other = (paint(a_pair(), asked, a_painter(), FAMILY, seed=seed) for seed in (0, 0, 1))
    assert set(np.unique(first.mask.array)) == {0, 1, 2} and len(first.ml) == 2
    assert np.array_equal(first.volumes["T1"].array, again.volumes["T1"].array)
    assert not np.array_equal(first.mask.array, other.mask.array)


def test_the_second_volume_hears_of_the_first() -> None:
    """The same MRI gets another lesion if the CT, painted before, looks otherwise."""
    pair = a_pair()
    darker = {**pair, "CT": pair["CT"].with_array(pair["CT"].array + 40)}
    first, second = (paint(each, [ASKED], a_painter(), FAMILY).volumes["T1"].array for each in (pair, darker))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("lesion", "sentence"),
    [
        (AskedLesion("infarct", (80.0, 0.0, 0.0), 12.0), "outside of the CT"),
        (AskedLesion("infarct", (0.0, 27.0, 0.0), 5.0), "lies in air or bone"),
        (AskedLesion("abscess", (0.0, 0.0, 0.0), 12.0), "does not paint 'abscess'"),
    ],
)
def test_what_cannot_be_painted_is_told(lesion: AskedLesion, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        paint(a_pair(), [lesion], a_painter(), FAMILY)


def test_air_in_an_mri_alone_is_found() -> None:
    with pytest.raises(InputError, match="air or bone"):
        paint({"T1": a_pair()["T1"]}, [AskedLesion("infarct", (0.0, 27.5, 0.0), 5.0)], a_painter(), FAMILY)


@pytest.mark.parametrize("text", ["infarct,1,2,3", "infarct,1,2,x,4", "infarct,1,2,3,90", "infarct,nan,2,3,9", ""])
def test_a_lesion_that_is_not_well_asked_for_is_told(text: str) -> None:
    with pytest.raises(InputError):
        AskedLesion.parse(text)


def test_nothing_to_paint_is_told() -> None:
    with pytest.raises(InputError, match="no volume or no lesion"):
        paint(a_pair(), [], a_painter(), FAMILY)


def test_it_can_be_stopped() -> None:
    def stop(event: Event) -> None:
        if event.done > 0:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        paint(a_pair(), [ASKED], a_painter(), FAMILY, progress=stop)
