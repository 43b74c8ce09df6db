"""The loop when something goes wrong: numbers that are none, too little memory."""

import csv
import math

import pytest
import torch
from safetensors.torch import load_file

from MultimodalSegLib.errors import OutOfMemoryError, TrainingError
from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.checkpoint import read_state
from MultimodalSegLib.training.objective import Objective
from MultimodalSegLib.training.plan import Stage
from MultimodalSegLib.training.plan_file import read_plan
from Testing.training.small import RandomSamples, a_plan, a_trainer


def answer(trainer) -> torch.Tensor:
    """What the averaged network says of a sample.

    Weights are no good for comparing runs that round differently: where a gradient is zero but for rounding, AdamW
    makes a whole step of it.
    """
    batch = trainer.validation._made.get(0) or collate([trainer.validation.samples[0]])
    with torch.inference_mode():
        return trainer.average.network(batch.images, batch.present, batch.family).structures


class Turning:
    """An objective that from a step on gives what is no number."""

    def __init__(self, step: int, value: float = math.nan) -> None:
        self.step, self.value, self.real = step, value, Objective()

    def __call__(self, output, sample, fraction, step, spacing, deep):
        loss, parts = self.real(output, sample, fraction, step, spacing, deep)
        return (loss * self.value if step >= self.step else loss), parts


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_batch_and_the_good_state(tmp_path, value):
    trainer = a_trainer(tmp_path, a_plan(batch=2), Turning(5, value))
    with pytest.raises(TrainingError, match="The loss of step 5 is no number") as told:
        trainer.run()
    assert told.value.exit_code != 0
    state = read_state(tmp_path / "last.pt")
    assert state["step"] == 4 and all(torch.isfinite(value).all() for value in state["network"].values())
    kept = load_file(tmp_path / "bad_batch.safetensors")
    assert torch.equal(kept["channel"][0], RandomSamples(trainer.plan)[10].channel[0])


def test_an_image_that_is_no_number_ends_the_run_too(tmp_path):
    class WithNan(RandomSamples):
        def __getitem__(self, n):
            sample = super().__getitem__(n)
            if n == 6:
                sample.images[0, 0, 3, 3, 3] = math.nan
            return sample

    with pytest.raises(TrainingError, match="An image of step 6"):
        a_trainer(tmp_path, samples=WithNan).run()
    assert torch.isnan(load_file(tmp_path / "bad_batch.safetensors")["images"]).sum() == 1


class NoGradient(torch.autograd.Function):
    """The identity, whose gradient is no number."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.nan


def test_a_step_whose_gradient_is_no_number_is_skipped_but_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("MultimodalSegLib.training.loop.MOST_SKIPPED", 3)

    def objective(output, sample, fraction, step, spacing, deep):
        loss, parts = Objective()(output, sample, fraction, step, spacing, deep)
        return (NoGradient.apply(loss) if step == 1 or step >= 4 else loss), parts

    trainer = a_trainer(tmp_path, a_plan(log_steps=1), objective)
    with pytest.raises(TrainingError, match="gradients of 3 steps up to 7"):
        trainer.run()
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert [row["skipped"] for row in rows] == ["0", "1", "0", "0", "1", "1"]
    assert all(torch.isfinite(value).all() for value in trainer.task.network.state_dict().values())


def wanting(most: int):
    """An objective that asks for more memory than there is when a crop or batch has more than so many voxels."""
    real = Objective()

    def objective(output, sample, fraction, step, spacing, deep):
        if output.structures[0, 0].numel() > most:
            torch.empty(2**58)
        return real(output, sample, fraction, step, spacing, deep)

    return objective


def test_too_little_memory_halves_the_crop_once(tmp_path):
    plan = a_plan(stages=(Stage(1.0, 2.0, ((16, 16, 16),), (1.0,)),))
    trainer = a_trainer(tmp_path, plan, wanting(8**3))
    events = []
    with pytest.warns(UserWarning, match="The memory was not enough. The crops are halved, to at most 8 x 8 x 8"):
        trainer.run(events.append)
    assert trainer.step == 8 and any("not enough" in event.message for event in events)
    assert read_plan(tmp_path / "plan.yaml").stages[0].sizes == ((8, 8, 8),)


def test_too_little_memory_again_stops_with_the_state_saved(tmp_path):
    plan = a_plan(stages=(Stage(1.0, 2.0, ((32, 32, 32),), (1.0,)),))
    trainer = a_trainer(tmp_path, plan, wanting(8**3))
    with pytest.warns(UserWarning), pytest.raises(OutOfMemoryError, match="not enough again at step 0: 1 samples"):
        trainer.run()
    assert read_state(tmp_path / "last.pt")["step"] == 0


def test_too_little_memory_for_a_batch_gives_the_same_weights_from_smaller_parts(tmp_path):
    class Greedy:
        """Too much for two samples at once."""

        def __init__(self) -> None:
            self.real = Objective()

        def __call__(self, output, sample, fraction, step, spacing, deep):
            if trainer.plan.part > 1 and step == 2:
                torch.empty(2**58)
            return self.real(output, sample, fraction, step, spacing, deep)

    whole = a_trainer(tmp_path / "whole", a_plan(batch=2, accumulate=2))
    whole.run()
    trainer = a_trainer(tmp_path / "less", a_plan(batch=2), Greedy())
    with pytest.warns(UserWarning, match="the result is the same"):
        trainer.run()
    assert trainer.step == 8 and torch.allclose(answer(trainer), answer(whole), atol=1e-2)
