"""What a student learns from its teacher, against plain loops in float64."""

import itertools

import numpy as np
import pytest
import torch

from MultimodalSegLib.losses.distillation import FeatureLoss, attention_loss, soft_label_loss

SHAPE = (2, 3, 2, 3, 4)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def divergence(student: np.ndarray, teacher: np.ndarray) -> float:
    """Kullback-Leibler divergence of two softmaxes of logits (K,)."""
    s, t = (np.exp(x) / np.exp(x).sum() for x in (student, teacher))
    return float(sum(b * np.log(b / a) for a, b in zip(s, t, strict=True)))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_soft_labels_are_the_mean_divergence_times_the_squared_temperature(temperature):
    student, teacher = random(*SHAPE), random(*SHAPE, seed=1)
    s, t = student.numpy() / temperature, teacher.numpy() / temperature
    voxels = list(itertools.product(range(2), range(2), range(3), range(4)))
    each = {(b, k, j, i): divergence(s[b, :, k, j, i], t[b, :, k, j, i]) for b, k, j, i in voxels}
    found = soft_label_loss(student, teacher, temperature)
    assert float(found) == pytest.approx(temperature**2 * np.mean(list(each.values())), rel=1e-12)

    mask = random(2, 1, 2, 3, 4, seed=2) > 0
    inside = [each[b, k, j, i] for b, k, j, i in voxels if mask[b, 0, k, j, i]]
    found = soft_label_loss(student, teacher, temperature, mask)
    assert float(found) == pytest.approx(temperature**2 * np.mean(inside), rel=1e-12)


def test_one_channel_is_yes_or_no():
    student, teacher = random(1, 1, 3, 3, 3), random(1, 1, 3, 3, 3, seed=1)
    p, q = (1 / (1 + np.exp(-x.numpy() / 2)) for x in (student, teacher))
    wanted = 4 * np.mean(q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p)))
    assert float(soft_label_loss(student, teacher, 2.0)) == pytest.approx(wanted, rel=1e-12)


def test_the_size_of_the_gradient_does_not_fall_with_the_temperature():
    """For high T the gradient tends to the difference of the centred logits over K (Hinton et al., eq. 4)."""
    student, teacher = random(*SHAPE).requires_grad_(), random(*SHAPE, seed=1)
    (gradient,) = torch.autograd.grad(soft_label_loss(student, teacher, 1000.0), student)
    difference = student.detach() - teacher
    wanted = (difference - difference.mean(1, keepdim=True)) / (SHAPE[1] * student[:, 0].numel())
    assert torch.allclose(gradient, wanted, rtol=0.02, atol=1e-5)


def test_an_empty_mask_costs_nothing():
    nobody = torch.zeros(2, 1, 2, 3, 4, dtype=torch.bool)
    assert float(soft_label_loss(random(*SHAPE), random(*SHAPE, seed=1), mask=nobody)) == 0.0


def test_half_precision_logits_far_apart_stay_finite():
    student = torch.full(SHAPE, 60.0, dtype=torch.bfloat16)
    student[:, 0] = -60
    student.requires_grad_()
    loss = soft_label_loss(student, -student.detach(), temperature=1.0)
    loss.backward()
    assert torch.isfinite(loss) and student.grad is not None and torch.isfinite(student.grad).all()


def test_features_are_compared_by_direction_at_each_voxel():
    loss = FeatureLoss(3, 4).double()
    student, teacher = random(*SHAPE), random(2, 4, 2, 3, 4, seed=1)
    weight = loss.project.weight.detach().numpy()[:, :, 0, 0, 0]
    distances = []
    for b, k, j, i in itertools.product(range(2), range(2), range(3), range(4)):
        projected, wanted = weight @ student.numpy()[b, :, k, j, i], teacher.numpy()[b, :, k, j, i]
        distances.append(((projected / np.linalg.norm(projected) - wanted / np.linalg.norm(wanted)) ** 2).sum())
    assert float(loss(student, teacher).detach()) == pytest.approx(np.mean(distances), rel=1e-9)
    assert float(loss(5 * student, 7 * teacher).detach()) == pytest.approx(np.mean(distances), rel=1e-9)


def test_coarser_student_features_are_interpolated_to_the_teacher_s_grid():
    loss = FeatureLoss(2, 2).double()
    with torch.no_grad():
        loss.project.weight.copy_(torch.eye(2)[:, :, None, None, None])
    coarse = random(1, 2, 1, 1, 1)
    assert float(loss(coarse, coarse.expand(1, 2, 4, 4, 4)).detach()) == pytest.approx(0.0, abs=1e-12)


def test_the_projection_is_trained_with_the_student():
    torch.manual_seed(0)
    loss = FeatureLoss(3, 5)
    student, teacher = torch.randn(1, 3, 4, 4, 4), torch.zeros(1, 5, 4, 4, 4)
    teacher[:, :3] = 2 * student.flip(1)  # a linear map of the student's features
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.1)
    first = float(loss(student, teacher).detach())
    for _ in range(60):
        optimizer.zero_grad()
        loss(student, teacher).backward()
        optimizer.step()
    assert float(loss(student, teacher).detach()) < 0.05 * first


def test_attention_is_the_distance_of_normalized_energy_maps():
    student, teacher = random(*SHAPE), random(2, 5, 2, 3, 4, seed=1)
    distances = []
    for b in range(2):
        maps = [(x.numpy()[b] ** 2).sum(0).ravel() for x in (student, teacher)]
        maps = [m / np.linalg.norm(m) for m in maps]
        distances.append(((maps[0] - maps[1]) ** 2).sum())
    assert float(attention_loss(student, teacher)) == pytest.approx(np.mean(distances), rel=1e-12)
    assert float(attention_loss(3 * student, student)) == pytest.approx(0.0, abs=1e-12)


def test_attention_bridges_sizes():
    teacher = random(1, 4, 4, 4, 4).abs() + 1
    coarse = random(1, 2, 2, 2, 2, seed=1).requires_grad_()
    attention_loss(coarse, teacher).backward()
    assert coarse.grad is not None and coarse.grad.abs().sum() > 0


def test_gradients_are_those_of_finite_differences_and_the_teacher_has_none():
    student, teacher = random(*SHAPE).requires_grad_(), random(*SHAPE, seed=1).requires_grad_()
    features = FeatureLoss(3, 3).double()
    for loss in (soft_label_loss, attention_loss, features):
        assert torch.autograd.gradcheck(lambda s, loss=loss: loss(s, teacher.detach()), student)
        assert torch.autograd.grad(loss(student, teacher), teacher, allow_unused=True)[0] is None


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="must both be"):
        soft_label_loss(random(*SHAPE), random(2, 4, 2, 3, 4))
    for temperature in (0.0, -1.0, float("inf")):
        with pytest.raises(ValueError, match="temperature"):
            soft_label_loss(random(*SHAPE), random(*SHAPE), temperature)
    with pytest.raises(ValueError, match="mask"):
        soft_label_loss(random(*SHAPE), random(*SHAPE), mask=torch.ones(2, 2, 3, 4))
    with pytest.raises(ValueError, match="channels"):
        FeatureLoss(3, 4)(random(*SHAPE), random(*SHAPE))
    with pytest.raises(ValueError, match="positive"):
        FeatureLoss(0, 4)
    with pytest.raises(ValueError, match="one batch"):
        attention_loss(random(1, 3, 2, 2, 2), random(2, 3, 2, 2, 2))
