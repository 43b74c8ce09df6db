"""The loop: the same weights whatever was interrupted or divided; what goes wrong is in test_loop_failures."""

import csv
import math
import multiprocessing
from dataclasses import replace

import pytest
import torch
from torch import nn

from MultimodalSegLib.errors import Cancelled, InputError, TrainingError
from MultimodalSegLib.training.checkpoint import read_state
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.objective import Objective
from MultimodalSegLib.training.validation import Validation
from Testing.training.small import RandomSamples, a_network, a_plan, a_trainer, same, weights


def stop_after(step: int):
    """A listener that asks to stop."""

    def listen(event):
        if event.stage == "train" and event.done >= step:
            raise Cancelled("Stopped.")

    return listen


class OneSample(RandomSamples):
    """Always the same sample."""

    def __getitem__(self, n):
        return super().__getitem__(0)


def test_the_network_learns_a_sample_by_heart_and_the_best_average_is_kept(tmp_path):
    plan = a_plan(steps=48, ema_decay=0.8, validation_steps=16)
    trainer = a_trainer(tmp_path, plan, samples=OneSample)
    trainer.validation = Validation([OneSample(plan)[0]], ["background", "ball", "shell"], (8, 8, 8), (2.0, 2.0, 2.0))
    events = []
    trainer.run(events.append)
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert [int(row["step"]) for row in rows] == list(range(2, 49, 2))
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    assert all(0 <= float(row["wait"]) < 1 for row in rows)
    scores = list(csv.DictReader((tmp_path / "validation.csv").open(encoding="utf-8")))
    assert [int(row["step"]) for row in scores] == [16, 32, 48]
    best = max(scores, key=lambda row: float(row["mean"]))
    assert float(best["mean"]) > 0.5
    kept = read_state(tmp_path / "best.pt")
    assert kept["step"] == int(best["step"]) and kept["best"] == pytest.approx(float(best["mean"]), rel=1e-4)
    assert (events[-1].stage, events[-1].done, events[-1].total) == ("train", 48, 48)
    assert "loss" in events[-1].message and "Dice" in events[-1].message


def test_a_run_that_was_stopped_ends_with_the_same_weights(tmp_path, one_thread):
    plan = a_plan(batch=2, reweighting=True)
    whole = a_trainer(tmp_path / "whole", plan)
    whole.run()
    part = a_trainer(tmp_path / "part", plan)
    with pytest.raises(Cancelled, match="Stopped after step 3 of 8"):
        part.run(stop_after(3))
    assert read_state(tmp_path / "part" / "last.pt")["step"] == 3
    rest = a_trainer(tmp_path / "part", plan)
    assert rest.step == 3 and not same(weights(rest), weights(whole))
    rest.run()
    assert same(weights(rest), weights(whole))
    assert torch.equal(rest.reweighting.share, whole.reweighting.share)
    assert rest.reweighting.share[0] != 0.5
    log = [(tmp_path / name / "log.csv").read_text(encoding="utf-8").splitlines() for name in ("whole", "part")]
    assert [row.split(",")[0] for row in log[0]] == [row.split(",")[0] for row in log[1]]


def test_noise_inside_the_network_is_the_same_after_an_interruption(tmp_path, one_thread):
    def a_noisy_network() -> nn.Module:
        network = a_network()
        network.encode[0] = nn.Sequential(network.encode[0], nn.Dropout(0.3))
        return network

    whole = a_trainer(tmp_path / "whole", a_plan(steps=4), network=a_noisy_network())
    whole.run()
    with pytest.raises(Cancelled):
        a_trainer(tmp_path / "part", a_plan(steps=4), network=a_noisy_network()).run(stop_after(1))
    torch.rand(17)
    rest = a_trainer(tmp_path / "part", a_plan(steps=4), network=a_noisy_network())
    rest.run()
    assert same(weights(rest), weights(whole))


def test_worker_processes_change_nothing(tmp_path, one_thread):
    alone, helped = (a_trainer(tmp_path / str(w), a_plan(steps=4, batch=2, workers=w)) for w in (0, 2))
    alone.run()
    helped.run()
    assert same(weights(alone), weights(helped))
    assert not multiprocessing.active_children()


def test_accumulated_parts_make_the_same_step(tmp_path):
    found = []
    for accumulate in (1, 4):
        trainer = a_trainer(tmp_path / str(accumulate), a_plan(batch=4, accumulate=accumulate))
        batches = trainer.batches()
        row = trainer.advance(batches)
        found.append((row["loss"], row["gradient_norm"], {n: p.grad for n, p in trainer.task.named_parameters()}))
    assert found[0][:2] == pytest.approx(found[1][:2], rel=1e-4)
    for name, gradient in found[0][2].items():
        assert (gradient is None) == (found[1][2][name] is None)
        assert gradient is None or torch.allclose(gradient, found[1][2][name], atol=1e-5), name


def test_gradients_are_clipped(tmp_path):
    trainer = a_trainer(tmp_path, a_plan(clip=0.01))
    row = trainer.advance(trainer.batches())
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in trainer.task.parameters() if p.grad is not None))
    assert row["gradient_norm"] > 0.1 and norm == pytest.approx(0.01, rel=1e-3)


def test_the_average_follows_the_network_slowly(tmp_path):
    trainer = a_trainer(tmp_path, a_plan(ema_decay=0.9))
    expected = {name: value.clone() for name, value in trainer.task.network.state_dict().items()}
    batches = trainer.batches()
    for step in range(1, 5):
        trainer.advance(batches)
        decay = min(0.9, (1 + step) / (10 + step))
        now = trainer.task.network.state_dict()
        expected = {name: decay * value + (1 - decay) * now[name] for name, value in expected.items()}
    found = trainer.average.network.state_dict()
    assert all(torch.allclose(found[name], value, atol=1e-6) for name, value in expected.items())


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("16", torch.float16)])
def test_mixed_precision_trains_in_16_bits(tmp_path, precision, dtype):
    seen = []
    network = a_network()
    network.stem.register_forward_hook(lambda module, given, output: seen.append(output.dtype))
    trainer = a_trainer(tmp_path, a_plan(steps=4, precision=precision), network=network)
    before = weights(trainer)
    trainer.run()
    assert set(seen) == {dtype} and not same(before, weights(trainer))
    state = read_state(tmp_path / "last.pt")
    assert bool(state["scaler"]) == (precision == "16")
    assert all(value.dtype is torch.float32 for value in state["network"].values())
    assert torch.isfinite(torch.cat([value.flatten() for value in state["average"].values()])).all()


def test_a_longer_run_goes_on_and_becomes_a_bundle(tmp_path):
    a_trainer(tmp_path, a_plan(steps=4)).run()
    longer = a_trainer(tmp_path, a_plan(steps=6))
    assert longer.step == 4
    longer.run()
    bundle = export(tmp_path, tmp_path / "tiny")
    head = bundle.network().state_dict()["head.weight"]
    assert torch.allclose(head, longer.average.network.state_dict()["head.weight"], atol=1e-3)
    assert bundle.name == "tiny" and bundle.spacing == (2.0, 2.0, 2.0) and bundle.metadata["training"]["steps"] == 6
    assert [entry.name for entry in bundle.classes()] == ["Ball", "Shell", "Lesion"]
    assert export(tmp_path, tmp_path / "best", state="best.pt").checksum


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    trainer = a_trainer(tmp_path)
    trainer.model["network"] = trainer.model["network"] | {"widths": [8, 16]}
    trainer.save()
    with pytest.raises(InputError, match="another network"):
        a_trainer(tmp_path)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    trainer = a_trainer(tmp_path)
    trainer.save()
    before = (tmp_path / "last.pt").read_bytes()
    with torch.no_grad():
        trainer.task.network.stem.weight[0] = math.nan
    with pytest.raises(TrainingError, match="A weight is no number after step 0"):
        trainer.save()
    assert (tmp_path / "last.pt").read_bytes() == before


def test_an_objective_with_weights_of_its_own_is_trained_and_saved(tmp_path):
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.real = nn.Parameter(torch.ones(())), Objective()

        def forward(self, *given):
            loss, parts = self.real(*given)
            return loss * self.scale.square(), parts

    trainer = a_trainer(tmp_path, a_plan(steps=4), Scaled())
    trainer.run()
    learned = trainer.task.objective.scale.detach().clone()
    assert learned != 1
    assert a_trainer(tmp_path, replace(trainer.plan), Scaled()).task.objective.scale == learned
