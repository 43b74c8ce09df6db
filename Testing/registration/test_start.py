"""Starts reach far, and a second search helps where the first one fails."""

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.progress import Event
from MultimodalSegLib.registration.pyramid import build_pyramid
from MultimodalSegLib.registration.register import register
from MultimodalSegLib.registration.start import FAR, TURN, anywhere, differ, rigid, rotations, starts

Error = Callable[[sitk.Transform], float]
TURNED = sitk.Euler3DTransform(
    (0.0, 0.0, 0.0), np.radians(35.0), np.radians(-30.0), np.radians(40.0), (60.0, -70.0, 40.0)
)
"""58 degrees and 100 mm."""


def elsewhere(volume: Volume, motion: sitk.Euler3DTransform) -> Volume:
    """The same scan of a patient who lies elsewhere."""
    axes = map_points(motion, np.vstack([np.zeros(3), np.asarray(volume.grid.direction).reshape(3, 3).T]))
    direction = tuple(float(x) for x in (axes[1:] - axes[0]).T.ravel())
    return Volume(
        volume.array, Grid(volume.grid.size, volume.grid.spacing, motion.TransformPoint(volume.grid.origin), direction)
    )


def undone(found: sitk.Transform, motion: sitk.Euler3DTransform) -> sitk.Transform:
    return sitk.CompositeTransform([motion.GetInverse(), found])


def test_rotations_are_evenly_spread_up_to_the_limit() -> None:
    turns = np.array(rotations(FAR, TURN))
    np.testing.assert_allclose(turns[0], np.eye(3), atol=1e-12)
    angles = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert angles.max() <= FAR + 1e-6 and len(turns) == 147
    rng = np.random.default_rng(0)
    for _ in range(20):
        one = np.reshape(rigid(np.zeros(3), tuple(rng.uniform(-30, 30, 3))).GetMatrix(), (3, 3))
        nearest = np.max((np.einsum("nij,ij->n", turns, one) - 1) / 2)
        assert np.degrees(np.arccos(np.clip(nearest, -1, 1))) < 0.87 * TURN


def test_a_start_near_the_truth_is_among_the_first(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    far = elsewhere(an_mr, TURNED)
    found = starts(build_pyramid(a_ct, "CT"), build_pyramid(far, "MR"), 3)
    assert min(error(undone(start, TURNED)) for start in found) < 25.0
    assert all(differ(one, two) for n, one in enumerate(found) for two in found[:n])


def test_sixty_degrees_and_a_hundred_millimeters_are_survived(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    found = register(a_ct, elsewhere(an_mr, TURNED))
    assert error(undone(found.transform, TURNED)) < 1.0
    assert "second" not in found.quality.message


def test_a_second_search_finds_a_patient_the_wrong_way_round(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    """The first search ends at a wrong side of the head, where the heads meet quite well."""
    around, events = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, np.radians(170.0), (5.0, 0.0, 0.0)), list[Event]()
    found = register(a_ct, elsewhere(an_mr, around), progress=events.append)
    assert error(undone(found.transform, around)) < 1.0
    assert "second search" in found.quality.message
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert events[-1].done == events[-1].total


def test_a_look_all_around_comes_near_any_rotation(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    around = sitk.Euler3DTransform((0.0, 0.0, 0.0), np.radians(80.0), np.radians(-40.0), np.radians(120.0))
    seen = anywhere(build_pyramid(a_ct, "CT"), build_pyramid(elsewhere(an_mr, around), "MR"))
    assert error(undone(seen, around)) < 40.0


def test_what_only_part_of_shares_a_view_is_compared_there(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    """The MRI is a slab of 6 cm through the brain."""
    slab = Volume.from_sitk(an_mr.to_sitk()[:, 22:42, :])
    found = register(a_ct, slab)
    assert error(found.transform) < 2.0
