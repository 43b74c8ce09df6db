"""A case comes onto one grid, or the user is told why it cannot."""

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import RegistrationError
from MultimodalSegLib.images.case import Case
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.progress import Event
from MultimodalSegLib.registration.align import align


def moved(volume: Volume, *shift: float) -> Volume:
    """The same voxels with the origin shifted by mm."""
    grid = volume.grid
    x, y, z = (float(a + b) for a, b in zip(grid.origin, shift, strict=True))
    return Volume(volume.array, Grid(grid.size, grid.spacing, (x, y, z), grid.direction))


def test_every_volume_lands_on_the_reference_grid(
    a_ct: Volume, an_mr: Volume, error: Callable[[sitk.Transform], float]
) -> None:
    events: list[Event] = []
    aligned = align(Case({"CT": a_ct, "T1": an_mr, "T2": an_mr}), progress=events.append)
    assert {name: volume.grid for name, volume in aligned.volumes.items()} == dict.fromkeys(
        ("CT", "T1", "T2"), a_ct.grid
    )
    assert aligned.volumes["CT"] is a_ct
    assert set(aligned.registrations) == {"T1", "T2"}
    assert error(aligned.registrations["T2"].transform) < 1.0
    assert aligned.coverage["CT"] == 1.0
    assert 0.7 < aligned.coverage["T1"] < 1.0
    assert events[-1].done == events[-1].total == 2
    assert [event.done for event in events] == sorted(event.done for event in events)


def test_the_reference_may_be_the_mr_and_air_surrounds_the_ct(
    a_ct: Volume, an_mr: Volume, motion: sitk.Transform
) -> None:
    aligned = align(Case({"CT": a_ct, "MR": an_mr}, "MR"), transforms={"CT": motion.GetInverse()})
    assert aligned.grid == an_mr.grid
    assert aligned.volumes["CT"].array[0, 0, 0] == -1000.0
    assert aligned.coverage["CT"] < 1.0


def test_a_single_volume_passes_through(a_ct: Volume) -> None:
    aligned = align(Case({"CT": a_ct}))
    assert dict(aligned.volumes) == {"CT": a_ct}
    assert not aligned.registrations


def test_headers_are_trusted_if_asked(a_ct: Volume) -> None:
    coarse = resample(a_ct, Grid((40, 40, 40), (4.5, 5.0, 4.0), (-95.0, -105.0, -85.0)), outside=-1000.0)
    aligned = align(Case({"CT": a_ct, "MR": coarse.with_array(coarse.array + 1000.0)}), "none")
    registration = aligned.registrations["MR"]
    assert registration.kind == "none"
    assert registration.transform.TransformPoint((1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)
    assert registration.quality.converged
    assert registration.quality.mutual_information_before == registration.quality.mutual_information_after > 0.5


@pytest.mark.parametrize("kind", ["rigid", "none"])
def test_a_given_transform_is_used_as_it_is(a_ct: Volume, an_mr: Volume, motion: sitk.Transform, kind: str) -> None:
    aligned = align(Case({"CT": a_ct, "MR": an_mr}), kind, transforms={"MR": motion})
    assert aligned.registrations["MR"].transform is motion and aligned.registrations["MR"].kind == "given"
    assert aligned.registrations["MR"].quality.head_overlap > 0.9
    np.testing.assert_array_equal(aligned.volumes["MR"].array, resample(an_mr, a_ct.grid, motion).array)


@pytest.mark.parametrize("share", [0.02, -0.5])
def test_two_percent_of_overlap_are_refused_if_headers_are_trusted(a_ct: Volume, share: float) -> None:
    height = a_ct.grid.size[2] * a_ct.grid.spacing[2]
    with pytest.raises(RegistrationError, match="share only [0-3] %") as caught:
        align(Case({"CT": a_ct, "MR": moved(a_ct, 0.0, 0.0, (1.0 - share) * height)}), "none")
    assert caught.value.hint


def test_two_percent_of_overlap_in_the_headers_are_no_obstacle_to_registration(a_ct: Volume, an_mr: Volume) -> None:
    far = moved(an_mr, 0.0, 0.0, 200.0)
    aligned = align(Case({"CT": a_ct, "MR": far}))
    assert aligned.registrations["MR"].quality.head_overlap > 0.9


def test_a_small_field_of_view_inside_a_large_one_is_enough(a_ct: Volume) -> None:
    piece = resample(a_ct, Grid((24, 24, 24), (2.0, 2.0, 2.0), (-20.0, -20.0, -20.0)))
    aligned = align(Case({"CT": a_ct, "MR": piece.with_array(piece.array + 1000.0)}), "none")
    assert 0.0 < aligned.coverage["MR"] < 0.05


def test_mistakes_of_the_program_are_value_errors(a_ct: Volume, an_mr: Volume) -> None:
    with pytest.raises(ValueError, match="elastic"):
        align(Case({"CT": a_ct}), "elastic")
    with pytest.raises(ValueError, match="PET"):
        align(Case({"CT": a_ct, "MR": an_mr}), transforms={"PET": sitk.Transform()})


def test_a_start_is_used_instead_of_a_search(
    a_ct: Volume, an_mr: Volume, error: Callable[[sitk.Transform], float]
) -> None:
    """From the wrong side of the head only the wrong side is found: no search has been."""
    wrong = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, np.pi)
    found = align(Case({"CT": a_ct, "MR": an_mr}), initial={"MR": wrong}).registrations["MR"]
    assert found.kind == "rigid" and error(found.transform) > 40.0 and found.quality.light == "red"
    with pytest.raises(ValueError, match="starts for CT"):
        align(Case({"CT": a_ct, "MR": an_mr}), initial={"CT": wrong})
    with pytest.raises(ValueError, match="starts for MR"):
        align(Case({"CT": a_ct, "MR": an_mr}), "none", initial={"MR": wrong})
