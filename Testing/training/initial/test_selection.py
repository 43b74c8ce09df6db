"""A smaller network starts from a larger one: the same channels everywhere, and a better start than a random one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from MultimodalSegLib.losses.schedule import LossSchedule, LossWeights
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.distillation.task import DistillationTask
from MultimodalSegLib.training.distillation.teacher import Teacher
from MultimodalSegLib.training.initial.channels import chosen, evenly_spaced
from MultimodalSegLib.training.initial.known import KnownModel
from MultimodalSegLib.training.initial.selection import can_select, select_from, selected
from MultimodalSegLib.training.objective import Objective
from Testing.training.small import MODEL, RandomSamples, a_plan, a_trainer

EVERYTHING = {
    "kind": "fusion",
    "families": 2,
    "classes": 3,
    "widths": [16, 16, 32, 32],
    "encoder": "dual",
    "swin_from": 2,
    "swin_width": 16,
    "swin_window": 2,
    "head_width": 8,
    "cross_scale": True,
    "cross_width": 16,
    "deformable": False,
    "size_gate": True,
    "deep_supervision": True,
    "stride": 16,
}


def a_known(seed: int = 1, **changes: Any) -> KnownModel:
    torch.manual_seed(seed)
    settings = {**EVERYTHING, **changes}
    network = build_network(settings)
    with torch.no_grad():
        for parameter in network.parameters():  # no channel is like another, and none is zero
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return KnownModel("large 1", {**MODEL, "network": settings}, network.state_dict(), "c" * 64)


def started(known: KnownModel, families: tuple[str, ...] = ("CT", "MR"), **changes: Any) -> torch.nn.Module:
    settings = {**EVERYTHING, **changes}
    torch.manual_seed(2)
    network = build_network(settings)
    select_from(network, {**MODEL, "network": settings, "modality_families": list(families)}, known)
    return network.eval()


def answer(network: torch.nn.Module, order: tuple[int, ...] = (0, 1)) -> Any:
    images = torch.randn(1, 2, 16, 16, 32, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return network(images, torch.ones(1, 2, dtype=torch.bool), torch.tensor([order]))


def test_chosen_channels_are_evenly_spaced_within_their_parts() -> None:
    assert evenly_spaced(5, 1) == [0] and evenly_spaced(4, 4) == [0, 1, 2, 3]
    assert all(len(set(evenly_spaced(n, m))) == m for n in range(1, 40) for m in range(1, n + 1))
    assert chosen(((2, 2), (4, 2), (2, 2))).tolist() == [0, 1, 6, 7, 8, 9, 14, 15]
    with pytest.raises(ValueError, match="3 of 2"):
        evenly_spaced(2, 3)


def test_the_same_widths_give_the_same_answers() -> None:
    known = a_known()
    same, other = answer(started(known)), answer(known.network())
    assert all(torch.equal(value, known.weights[name]) for name, value in selected(EVERYTHING, known).items())
    assert torch.allclose(same.structures, other.structures, atol=1e-5)
    assert torch.allclose(same.presence, other.presence, atol=1e-5)
    turned = answer(started(known, families=("MR", "CT")), order=(1, 0))  # families are matched by name
    assert torch.allclose(turned.structures, other.structures, atol=1e-5)


def test_half_of_the_widths_take_a_weight_for_everything_and_run() -> None:
    known = a_known()
    halves = {"widths": [8, 8, 16, 16], "swin_width": 8, "cross_width": 8}
    names = set(build_network({**EVERYTHING, **halves}).state_dict())
    assert set(selected({**EVERYTHING, **halves}, known)) == names
    assert bool(torch.isfinite(answer(started(known, **halves)).structures).all())


def test_the_path_of_tokens_may_begin_at_a_coarser_scale() -> None:
    known = a_known()
    later = {"swin_from": 3, "swin_width": 16}
    found = selected({**EVERYTHING, **later}, known)
    assert not [name for name in found if name.startswith("context.0.merge")]
    wide = known.weights["context.1.stage.0.attention.qkv.weight"]  # 4 heads of 8; the first and the last are kept
    kept = [*range(8), *range(24, 32)]
    rows = [part * 32 + n for part in range(3) for n in kept]
    expected = wide[rows][:, kept] * 2**0.5
    assert torch.allclose(found["context.0.stage.0.attention.qkv.weight"], expected)


def test_a_channel_means_the_same_to_all_that_read_it() -> None:
    """Of a network whose other channels are silent nothing is lost."""
    known = a_known(encoder="cnn", cross_scale=False, groups=4)
    small = {"widths": [8, 8, 16, 16], "encoder": "cnn", "cross_scale": False, "groups": 4}
    keep = {"8": chosen(((4, 4), (4, 2))), "16": chosen(((4, 4), (8, 4)))}
    network = known.network()
    with torch.no_grad():  # what nobody will read later says nothing now
        for n, width in enumerate((8, 8, 16, 16)):
            silent = torch.ones(2 * width, dtype=torch.bool)
            silent[keep[str(width)]] = False
            layers = [network.stem if n == 0 else network.down[n], network.encode[n].norm1, network.encode[n].norm2]
            layers += [network.fuse[n].compare]
            if n < 3:
                block = network.decode[n]
                layers += [network.up[n], block.norm1, block.norm2]
                block.shortcut.weight[silent] = 0
            for layer in layers:
                transposed = isinstance(layer, torch.nn.ConvTranspose3d)
                (layer.weight.transpose(0, 1) if transposed else layer.weight)[silent] = 0
                layer.bias[silent] = 0
            network.modulate[n].shift[:, silent] = 0
    found = selected({**EVERYTHING, **small}, replace(known, weights=network.state_dict()))
    own = build_network({**EVERYTHING, **small}).eval()
    own.load_state_dict({name: unscaled(name, value) for name, value in found.items()})
    few, many = answer(own), answer(network)
    assert torch.allclose(few.structures, many.structures, atol=1e-4)
    assert torch.allclose(few.weights, many.weights, atol=1e-5)
    assert torch.allclose(few.presence, many.presence, atol=1e-4)


def unscaled(name: str, value: torch.Tensor) -> torch.Tensor:
    """Half of the channels are read by all but those that read the image or the size of lesions."""
    fixed = name.startswith(("stem.", "modulate.", "gate.")) or value.dim() < 2
    return value if fixed else value / 2**0.5


def test_another_kind_of_network_is_not_cut() -> None:
    known = a_known()
    assert can_select(EVERYTHING, known)
    assert not can_select({**EVERYTHING, "widths": [8, 8, 8], "stride": 8}, known)
    assert not can_select({"kind": "unet", "families": 2, "classes": 3}, known)
    assert not can_select(EVERYTHING, replace(known, metadata={"network": EVERYTHING, "modality_families": ["CT"]}))


def test_a_student_that_starts_from_its_teacher_is_ahead(tmp_path: Path) -> None:
    plain = {"widths": [16, 16], "encoder": "cnn", "cross_scale": False, "size_gate": False, "deep_supervision": False}
    plain |= {"stride": 4}
    network = build_network({**EVERYTHING, **plain})
    trained = a_trainer(tmp_path / "large", a_plan(steps=40, validation_steps=100), network=network)
    trained.run()
    weights = trained.task.network.state_dict()
    known = KnownModel("large 1", {**MODEL, "network": {**EVERYTHING, **plain}}, weights, "c" * 64)
    losses = [_loss_after(steps, known, begin) for steps in (0, 24) for begin in ("teacher", "random")]
    assert losses[0] < 0.9 * losses[1] and losses[2] < losses[3], losses


def _loss_after(steps: int, known: KnownModel, begin: str) -> float:
    settings = {**known.metadata["network"], "widths": [8, 8]}
    torch.manual_seed(6)
    network = build_network(settings)
    if begin == "teacher":
        select_from(network, {**MODEL, "network": settings}, known)
    schedule, names = LossSchedule(((0.0, LossWeights()),)), known.names
    task = DistillationTask(network, Objective(schedule), Teacher(known, ("CT", "MR")), Distillation(), schedule, names)
    samples = RandomSamples(a_plan(steps=steps + 4, seed=9))
    optimizer = torch.optim.AdamW(task.parameters(), 1e-3)
    for n in range(steps):
        optimizer.zero_grad()
        task(collate([samples[n]]), 0.0, n, (2.0, 2.0, 2.0))[0].backward()
        optimizer.step()
    with torch.no_grad():
        return sum(float(task(collate([samples[steps + n]]), 0.0, 0, (2.0,) * 3)[0]) for n in range(4)) / 4
