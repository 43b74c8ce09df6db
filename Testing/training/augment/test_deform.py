"""A deformation moves images and labels together and invents no label."""

import time

import numpy as np
import pytest
import torch
from monai.transforms import Rand3DElastic

from MultimodalSegLib.training.augment.deform import Deformation, deform, draw_deformation
from MultimodalSegLib.training.augment.settings import Augmentation

SIZE = (20, 24, 28)
ALWAYS = Augmentation(move_chance=1.0, elastic_chance=1.0, knots_mm=8.0)


def a_ball(size: tuple[int, int, int] = SIZE, center: tuple[float, float, float] = (10, 12, 14)) -> torch.Tensor:
    k, j, i = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
    return (((k - center[0]) ** 2 + (j - center[1]) ** 2 + (i - center[2]) ** 2) <= 49).float()


def apply(deformation: Deformation, size: tuple[int, int, int] = SIZE, spacing=(1.0, 1.0, 1.0)):
    ball = a_ball()
    truth = torch.stack([ball * 250, -ball, ball]).to(torch.int16)
    images = torch.stack([ball * 2 - 1, 3 - ball])
    return deform(images, truth, torch.tensor([-1.0, 3.0]), size, spacing, deformation)


def test_the_identity_gives_the_same_voxels() -> None:
    images, truth = apply(Deformation(np.eye(3)))
    torch.testing.assert_close(images[0], a_ball() * 2 - 1, atol=1e-4, rtol=0)
    assert torch.equal(truth[0], (a_ball() * 250).to(torch.int16)) and torch.equal(truth[1], -truth[2])


def test_images_and_labels_move_together_and_labels_stay_labels() -> None:
    deformation = draw_deformation(np.random.default_rng(4), SIZE, (1.0, 1.0, 1.0), ALWAYS)
    assert deformation is not None and deformation.displacement is not None
    images, truth = apply(deformation)
    assert set(truth[0].unique().tolist()) == {0, 250} and set(truth[1].unique().tolist()) == {-1, 0}
    assert (truth[0] != (a_ball() * 250).to(torch.int16)).float().mean() > 0.01
    for mask in (images[0] > 0, images[1] < 2.5):  # both modalities
        assert (mask == (truth[0] > 0)).float().mean() > 0.99


def test_a_turn_by_a_right_angle_is_exact_in_millimetres() -> None:
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # about z
    image = torch.zeros(1, 5, 9, 9)
    image[0, 2, 4, 8] = 1.0  # 4 voxels along x from the middle
    turned, _ = deform(image, image.short(), torch.zeros(1), (5, 9, 9), (1.0, 1.0, 3.0), Deformation(turn))
    assert torch.argwhere(turned[0] > 0.9).tolist() == [[2, 0, 4]]
    # with voxels twice as long along x, 4 voxels along x are 8 along y: out of the image
    far, _ = deform(image, image.short(), torch.zeros(1), (5, 9, 9), (2.0, 1.0, 3.0), Deformation(turn))
    assert float(far.max()) < 1e-5


def test_the_result_is_the_middle_of_a_larger_crop() -> None:
    images, truth = apply(Deformation(np.eye(3)), size=(10, 12, 14))
    torch.testing.assert_close(images[0], (a_ball() * 2 - 1)[5:15, 6:18, 7:21], atol=1e-4, rtol=0)
    assert truth.shape == (3, 10, 12, 14)


def test_a_seed_repeats_and_chances_of_zero_do_nothing() -> None:
    draws = [draw_deformation(np.random.default_rng(9), SIZE, (1.0, 1.0, 1.0), ALWAYS) for _ in range(2)]
    assert np.array_equal(draws[0].linear, draws[1].linear)
    assert np.array_equal(draws[0].displacement, draws[1].displacement)
    never = Augmentation(move_chance=0.0, elastic_chance=0.0)
    assert draw_deformation(np.random.default_rng(9), SIZE, (1.0, 1.0, 1.0), never) is None


def test_displacements_have_the_size_asked_for() -> None:
    bend = Augmentation(move_chance=0.0, elastic_chance=1.0, elastic_mm=4.0, knots_mm=10.0)
    fields = [draw_deformation(np.random.default_rng(n), (60, 60, 60), (1, 1, 1), bend).displacement for n in range(4)]
    assert np.std(fields) == pytest.approx(4.0, rel=0.35)


def test_it_is_much_quicker_than_monais_elastic_deformation() -> None:
    size = (64, 64, 64)
    image = torch.rand(1, *size)
    deformation = draw_deformation(np.random.default_rng(0), size, (1.0, 1.0, 1.0), ALWAYS)
    theirs = Rand3DElastic((5, 7), (50, 150), prob=1.0)

    def seconds(work) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
        return min(times)

    own = seconds(lambda: deform(image, image.short(), torch.zeros(1), size, (1.0, 1.0, 1.0), deformation))
    other = seconds(lambda: theirs(image))
    print(f"64^3: {1000 * own:.0f} ms, MONAI {1000 * other:.0f} ms of processor time")
    assert own < other


@pytest.mark.parametrize(
    "change", [{"move_chance": 1.5}, {"dropout": -0.1}, {"gamma": (1.2, 0.8)}, {"blur": 0.0}, {"scaling": 1.0}]
)
def test_impossible_settings_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Augmentation(**change)
