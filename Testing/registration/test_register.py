"""Registration finds a known motion between a CT and an MRI, says how sure it is, and can be stopped."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import Cancelled, InputError, RegistrationError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.resample import map_points, resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.progress import Event
from MultimodalSegLib.registration.aligned import Registration
from MultimodalSegLib.registration.register import register

Error = Callable[[sitk.Transform], float]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def a_rigid_result(a_ct: Volume, an_mr: Volume, events: list[Event]) -> Registration:
    return register(a_ct, an_mr, fixed_modality="CT", moving_modality="MR", progress=events.append)


def test_rigid_finds_the_motion(a_rigid_result: Registration, error: Error) -> None:
    assert error(sitk.Transform()) > 20.0
    assert error(a_rigid_result.transform) < 1.0
    assert a_rigid_result.kind == "rigid"
    assert a_rigid_result.seconds > 0.0


def test_quality_tells_that_it_went_well(a_rigid_result: Registration) -> None:
    quality = a_rigid_result.quality
    assert quality.converged
    assert quality.mutual_information_after > quality.mutual_information_before + 0.2
    assert quality.head_overlap > 0.9
    assert "look at" not in quality.message


def test_events_go_from_start_to_end(a_rigid_result: Registration, events: list[Event]) -> None:
    done = [event.done for event in events]
    assert done == sorted(done)
    assert done[0] == 0 and done[-1] == events[-1].total
    assert {event.stage for event in events} == {"register"}
    assert any("mutual information" in event.message for event in events)
    assert len(events) > 20


def test_the_same_seed_gives_the_same_transform(a_rigid_result: Registration, a_ct: Volume, an_mr: Volume) -> None:
    again = register(a_ct, an_mr)  # modalities guessed
    wanted = a_rigid_result.transform.GetParameters()  # threads add up in any order, which is rounding
    assert again.transform.GetParameters() == pytest.approx(wanted, abs=1e-6)


def test_the_other_way_round_is_the_inverse(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    back = register(an_mr, a_ct, fixed_modality="MR", moving_modality="CT")
    assert error(back.transform.GetInverse()) < 1.0


def test_affine_stays_near_and_a_given_start_is_used(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    start = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.15, -0.05, 0.1, (10.0, -5.0, 5.0))
    found = register(a_ct, an_mr, "affine", initial=start)
    assert error(found.transform) < 1.5
    assert isinstance(found.transform, sitk.AffineTransform)
    assert found.quality.converged


def test_oblique_and_far_away_headers_make_no_difference(a_ct: Volume, an_mr: Volume, error: Error) -> None:
    """The same scans, in frames of reference that have nothing in common: 1.5 m apart and turned by 25 degrees."""
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, np.radians(25.0), (900.0, -1200.0, 300.0))
    axes = map_points(turn, np.vstack([np.zeros(3), np.asarray(an_mr.grid.direction).reshape(3, 3).T]))
    origin = turn.TransformPoint(an_mr.grid.origin)
    direction = tuple(float(x) for x in (axes[1:] - axes[0]).T.ravel())
    far = Volume(an_mr.array, Grid(an_mr.grid.size, an_mr.grid.spacing, origin, direction))
    found = register(a_ct, far)
    assert found.quality.mutual_information_before == 0.0
    assert error(sitk.CompositeTransform([turn.GetInverse(), found.transform])) < 1.5


@pytest.mark.parametrize("at", [0, 12])
@pytest.mark.parametrize("kind", [Cancelled("Stopped."), KeyboardInterrupt()])
def test_an_exception_of_the_listener_stops_at_once(a_ct: Volume, an_mr: Volume, at: int, kind: BaseException) -> None:
    heard = []

    def listen(event: Event) -> None:
        heard.append(event)
        if len(heard) > at:
            raise kind

    with pytest.raises(type(kind)):
        register(a_ct, an_mr, progress=listen)
    assert len(heard) == at + 1


def test_bspline_follows_a_bend_and_can_be_stopped(a_ct: Volume) -> None:
    small = resample(a_ct, Grid((44, 50, 42), (4.5, 4.5, 4.5), (-100.0, -112.0, -95.0)), outside=-1000.0)
    bend = sitk.BSplineTransformInitializer(small.to_sitk(), [2, 2, 2])
    bend.SetParameters(np.random.default_rng(3).uniform(-9.0, 9.0, len(bend.GetParameters())).tolist())
    bent = resample(small, small.grid, bend, outside=-1000.0)
    points = np.argwhere(small.array[4:-4, 8:-8, 8:-8] > -200)[::50, ::-1] + [8, 8, 4]
    points = points @ small.grid.affine[:3, :3].T + small.grid.affine[:3, 3]

    def apart(transform: sitk.Transform) -> float:  # bent(x) = small(bend(x)): points of bent are bend(x) in small
        return float(np.linalg.norm(map_points(transform, points) - map_points(bend, points), axis=1).mean())

    found = register(bent, small, "bspline")
    rigid = register(bent, small, "rigid")
    assert apart(found.transform) < 0.7 * apart(rigid.transform)
    assert found.quality.mutual_information_after > rigid.quality.mutual_information_after
    assert "difference of structure" in found.quality.message and found.quality.converged

    def stop(event: Event) -> None:
        if "B-spline" in event.message and "structure" in event.message:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        register(bent, small, "bspline", progress=stop)


def test_an_empty_volume_is_refused(a_ct: Volume) -> None:
    noise = np.zeros(a_ct.array.shape, np.float32)
    noise[0, 0, 0] = 1.0
    with pytest.raises(RegistrationError, match="Nothing stands out") as caught:
        register(a_ct, a_ct.with_array(noise))
    assert caught.value.hint


def test_numbers_that_are_not_finite_are_refused(a_ct: Volume, an_mr: Volume) -> None:
    broken = an_mr.array.copy()
    broken[3] = np.nan
    with pytest.raises(InputError, match="5472 voxels"):
        register(a_ct, an_mr.with_array(broken))


def test_a_start_that_leaves_no_overlap_is_refused(a_ct: Volume, an_mr: Volume) -> None:
    with pytest.raises(RegistrationError) as caught:
        register(a_ct, an_mr, initial=sitk.TranslationTransform(3, (900.0, 0.0, 0.0)))
    assert caught.value.hint


def test_an_unknown_kind_is_a_mistake_of_the_program(a_ct: Volume) -> None:
    with pytest.raises(ValueError, match="'elastic'"):
        register(a_ct, a_ct, "elastic")


def test_two_real_mr_sequences_agree_both_ways(development_data: Path) -> None:
    """T1 and T2 of one patient: registering there and back ends where it began."""
    folder = development_data / "remind-022"
    t1, t2 = read_volume(folder / "ReMIND-022_T1post.nii.gz"), read_volume(folder / "ReMIND-022_T2SPACE.nii.gz")
    there = register(t1, t2, fixed_modality="T1C", moving_modality="T2")
    back = register(t2, t1, fixed_modality="T2", moving_modality="T1C")
    middle = t1.grid.corners.mean(axis=0)
    points = middle + 0.5 * (t1.grid.corners - middle)
    apart = map_points(back.transform, map_points(there.transform, points)) - points
    assert np.linalg.norm(apart, axis=1).max() < 1.0
    assert there.quality.converged and there.quality.head_overlap > 0.9
