"""What each change of a sample does, and that it repeats."""

import numpy as np
import torch

from MultimodalSegLib.training.augment.intensity import IntensityChange
from MultimodalSegLib.training.augment.mirror import mirror
from MultimodalSegLib.training.augment.modality_dropout import kept_modalities
from MultimodalSegLib.training.augment.settings import Augmentation

NONE = {name: 0.0 for name in ("noise_chance", "gamma_chance", "bias_chance", "blur_chance")}
IMAGE = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (24, 20, 16)).astype(np.float32))


def change(*, shading: bool = True, **settings: object) -> torch.Tensor:
    return IntensityChange(Augmentation(**(NONE | settings)), shading=shading)(IMAGE, seed=11)


def test_mirroring_moves_the_voxels_and_exchanges_left_and_right() -> None:
    images = torch.arange(2 * 3 * 3 * 4.0).reshape(2, 3, 3, 4)
    truth = torch.zeros(3, 3, 3, 4, dtype=torch.int16)
    truth[:, 1, 1, 0] = torch.tensor([5, -1, 0], dtype=torch.int16)  # x grows to the left: the right end
    truth[:, 1, 1, 2] = torch.tensor([6, 0, 1], dtype=torch.int16)
    moved, labels = mirror(images, truth)
    assert torch.equal(moved[..., 0], images[..., 3]) and torch.equal(moved[..., 2], images[..., 1])
    assert labels[:, 1, 1, 3].tolist() == [5, 1, 0] and labels[:, 1, 1, 1].tolist() == [6, 0, 1]
    again = mirror(moved, labels)
    assert torch.equal(again[0], images) and torch.equal(again[1], truth)


def test_nothing_asked_for_changes_nothing() -> None:
    torch.testing.assert_close(change(), IMAGE, atol=1e-6, rtol=0)


def test_noise_has_the_size_asked_for_and_no_bias() -> None:
    difference = change(noise_chance=1.0, noise=0.1) - IMAGE
    assert 0.001 < float(difference.std()) <= 0.11 and abs(float(difference.mean())) < 0.01


def test_gamma_keeps_the_range_and_the_order() -> None:
    for gamma, sign in (((0.8, 0.8), 1), ((1.2, 1.2), -1)):
        changed = change(gamma_chance=1.0, gamma=gamma)
        assert abs(float(changed.min()) - float(IMAGE.min())) < 1e-4
        assert abs(float(changed.max()) - float(IMAGE.max())) < 1e-3
        assert sign * float((changed - IMAGE).mean()) > 0.02
        order = IMAGE.ravel().argsort()
        assert (changed.ravel()[order].diff() >= -1e-5).all()


def test_shading_is_smooth_and_spares_images_that_have_none() -> None:
    changed = change(bias_chance=1.0, bias=0.5)
    ratio = (changed - IMAGE.min() + 0.1) / (IMAGE - IMAGE.min() + 0.1)
    assert float(ratio.std()) > 0.02 and float(ratio.diff(dim=0).abs().mean()) < float(ratio.std())
    torch.testing.assert_close(change(shading=False, bias_chance=1.0, bias=0.5), IMAGE, atol=1e-6, rtol=0)


def test_a_lower_resolution_takes_fine_detail_away() -> None:
    changed = change(blur_chance=1.0, blur=0.4)
    assert changed.shape == IMAGE.shape and float(changed.diff(dim=0).std()) < 0.95 * float(IMAGE.diff(dim=0).std())


def test_a_seed_repeats_the_change_and_another_does_not() -> None:
    every = Augmentation(noise_chance=1, gamma_chance=1, bias_chance=1, blur_chance=1)
    first, second = (IntensityChange(every, shading=True) for _ in range(2))
    second(IMAGE, seed=1)
    assert torch.equal(first(IMAGE, seed=4), second(IMAGE, seed=4))
    assert not torch.equal(first(IMAGE, seed=4), first(IMAGE, seed=5))


def test_one_modality_always_stays() -> None:
    rng = np.random.default_rng(0)
    draws = [kept_modalities(rng, 3, 0.7) for _ in range(500)]
    assert all(draws) and {len(kept) for kept in draws} == {1, 2, 3}
    assert {kept[0] for kept in draws if len(kept) == 1} == {0, 1, 2}  # no favorite among the last ones
    assert kept_modalities(rng, 2, 1.0) in ([0], [1]) and kept_modalities(rng, 3, 0.0) == [0, 1, 2]
