"""A student learns from labels, answers and features; the teacher stays as it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.losses.schedule import LossSchedule, LossWeights
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.checkpoint import read_state
from MultimodalSegLib.training.devices import make_fabric
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.distillation.task import DistillationTask
from MultimodalSegLib.training.distillation.teacher import Teacher, require_cover
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.initial.known import KnownModel
from MultimodalSegLib.training.loop import Trainer
from MultimodalSegLib.training.objective import Objective
from Testing.training.small import MODEL, NETWORK, RandomSamples, a_plan, same, weights

NAMES = ["background", "ball", "shell"]
SCHEDULE = LossSchedule(((0.0, LossWeights()),))


def a_teacher(seed: int = 4, **changes: Any) -> KnownModel:
    torch.manual_seed(seed)
    network = build_network({**NETWORK, **changes})
    return KnownModel("tiny 1", {**MODEL, "network": {**NETWORK, **changes}}, network.state_dict(), "c" * 64)


def a_task(known: KnownModel, student: dict[str, Any] | None = None, **settings: float) -> DistillationTask:
    torch.manual_seed(0)
    network = build_network({**NETWORK, "deep_supervision": False, **(student or {})})
    teacher = Teacher(known, ("CT", "MR"))
    return DistillationTask(network, Objective(SCHEDULE), teacher, Distillation(**settings), SCHEDULE, NAMES)


def a_batch(count: int = 2) -> Any:
    samples = RandomSamples(a_plan())
    return collate([samples[n] for n in range(count)])


def a_run(out: Path, task: DistillationTask, **changes: Any) -> Trainer:
    plan = a_plan(**changes)
    out.mkdir(exist_ok=True)
    model = {**MODEL, "distilled_from": task.teacher.known.origin}
    return Trainer(plan, task, RandomSamples, out, make_fabric(plan), model)


def test_a_student_that_says_the_same_has_no_soft_and_no_attention_loss() -> None:
    known = a_teacher()
    task = a_task(known, hard=0.0)
    task.network.load_state_dict(dict(known.weights))
    _, parts = task(a_batch(), 0.0, 0, 2.0)
    assert parts["soft"] == pytest.approx(0, abs=1e-5) and parts["attention"] == pytest.approx(0, abs=1e-5)
    assert "structures" not in parts  # no labels are asked for
    task.network.load_state_dict(dict(a_teacher(seed=5).weights))
    _, parts = task(a_batch(), 0.0, 0, 2.0)
    assert parts["soft"] > 1e-3 and parts["attention"] > 1e-3


def test_the_total_is_the_weighted_sum_of_the_parts() -> None:
    task = a_task(a_teacher(), hard=0.0, soft=0.5, features=2.0, attention=3.0)
    total, parts = task(a_batch(), 0.0, 0, 2.0)
    expected = 0.5 * parts["soft"] + 2 * parts["features"] + 3 * parts["attention"]
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5) and min(parts.values()) > 0


def test_labels_count_as_in_a_run_without_a_teacher() -> None:
    task = a_task(a_teacher(), soft=0.0, features=0.0, attention=0.0)
    batch = a_batch()
    total, parts = task(batch, 0.0, 0, 2.0)
    alone, _ = super(DistillationTask, task).forward(batch, 0.0, 0, 2.0)
    assert float(total.detach()) == pytest.approx(float(alone.detach())) and parts["structures"] > 0 and not task.scales


def test_a_batch_is_the_mean_of_its_samples() -> None:
    task = a_task(a_teacher(), hard=1.0)
    samples = RandomSamples(a_plan())
    whole, _ = task(collate([samples[0], samples[2]]), 0.0, 0, 2.0)
    each = [task(collate([samples[n]]), 0.0, 0, 2.0)[0] for n in (0, 2)]
    assert float(whole.detach()) == pytest.approx(float(sum(each).detach() / 2), rel=1e-4)


def test_a_student_with_less_scales_and_coarse_answers_learns_from_a_larger_teacher() -> None:
    known = a_teacher(widths=[8, 16, 24, 24], stride=16)
    task = a_task(known, {"widths": [8, 8, 8], "stride": 8, "deep_supervision": True}, hard=0.0)
    assert [(p.project.in_channels, p.project.out_channels) for p in task.projections] == [(8, 8), (8, 16), (8, 24)]
    task.train()
    total, _ = task(a_batch(), 0.0, 0, 2.0)
    total.backward()
    missing = [name for name, value in task.named_parameters() if value.grad is None]
    assert not [name for name in missing if not name.startswith("network.fuse")]


def test_what_the_student_does_not_learn_is_background_to_it() -> None:
    known = a_teacher(classes=4)
    known = replace(known, metadata={**known.metadata, "network_classes": [{"name": n} for n in [*NAMES, "other"]]})
    torch.manual_seed(0)
    task = DistillationTask(
        build_network(NETWORK), Objective(SCHEDULE), Teacher(known, ("CT", "MR")), Distillation(), SCHEDULE, NAMES
    )
    weights = dict(known.weights)
    with torch.no_grad():  # one of the teacher's three classes is the background in two pieces
        weights["head.weight"] = weights["head.weight"].clone()
        weights["head.bias"] = weights["head.bias"].clone()
        weights["head.weight"][24:32] = weights["head.weight"][:8]
        weights["head.bias"][24:32] = weights["head.bias"][:8]
    task.teacher.network.load_state_dict(weights)
    student = {n: torch.cat([v[:24], v[32:]]) if n.startswith("head") else v for n, v in weights.items()}
    student["head.bias"][:8] += 2.0 * torch.log(torch.tensor(2.0))  # at temperature 2
    task.network.load_state_dict(student)
    _, parts = task(a_batch(), 0.0, 0, 2.0)
    assert parts["soft"] == pytest.approx(0, abs=1e-4)


def test_the_student_comes_nearer_to_the_teacher_which_stays_as_it_is(tmp_path: Path) -> None:
    known = a_teacher(widths=[8, 16])
    task = a_task(known, hard=0.0)
    batch = a_batch()
    before = task.eval()(batch, 0.0, 0, 2.0)[1]
    a_run(tmp_path, task, steps=30).run()
    after = task.eval()(batch, 0.0, 0, 2.0)[1]
    assert after["soft"] < 0.5 * before["soft"] and after["features"] < 0.8 * before["features"]
    state = task.teacher.network.state_dict()
    assert all(torch.equal(value, known.weights[name]) for name, value in state.items())


def test_projections_are_saved_and_go_on_but_are_not_in_the_bundle(tmp_path: Path, one_thread: None) -> None:
    whole, part = (a_run(tmp_path / name, a_task(a_teacher())) for name in ("whole", "part"))
    whole.run()
    half = replace(part.plan, steps=4, warm_up_steps=2)
    assert half.steps == 4
    batches = part.batches()
    for _ in range(4):
        part.advance(batches)
    part.save()
    rest = a_run(tmp_path / "part", a_task(a_teacher()))
    rest.run()
    assert same(weights(rest), weights(whole))
    assert same(rest.task.projections.state_dict(), whole.task.projections.state_dict())
    assert "projections.0.project.weight" in read_state(tmp_path / "part" / "last.pt")["task"]
    bundle = export(tmp_path / "part", tmp_path / "student")
    assert bundle.metadata["distilled_from"] == {"name": "tiny", "version": "0.0.1", "checksum": "c" * 64}
    other = a_task(replace(a_teacher(), checksum="d" * 64))
    with pytest.raises(InputError, match="the teacher differs"):
        a_run(tmp_path / "part", other)


def test_a_teacher_that_does_not_know_everything_is_refused() -> None:
    known = a_teacher()
    require_cover(known, ["background", "shell"], ("MR",))
    with pytest.raises(InputError, match="does not know the class 'tumor'.*learn"):
        require_cover(known, ["background", "ball", "tumor"], ("MR",))
    with pytest.raises(InputError, match="does not know the modality 'PET'"):
        require_cover(known, NAMES, ("CT", "PET"))
