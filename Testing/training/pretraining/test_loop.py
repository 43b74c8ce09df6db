"""The loop: the same weights whatever was interrupted, and clean ends when something goes wrong."""

import csv
import json

import numpy as np
import pytest
import torch

from MultimodalSegLib.checksum import sha256
from MultimodalSegLib.errors import Cancelled, InputError, OutOfMemoryError, OutputError, TrainingError
from MultimodalSegLib.networks.fusion_net import FusionNet
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.pretraining import loop
from MultimodalSegLib.training.pretraining.encoder_file import read_encoder
from MultimodalSegLib.training.start import prepare
from Testing.training.data.trees import a_label, an_mr, write
from Testing.training.pretraining.small import a_pretrainer


def stop_after(step):
    """A listener that asks to stop."""

    def listen(event):
        if event.stage == "pretrain" and event.done >= step:
            raise Cancelled("Stopped.")

    return listen


def weights(trainer):
    return {**trainer.student.state_dict(), **{f"teacher.{n}": v for n, v in trainer.teacher.state_dict().items()}}


def test_a_run_that_was_stopped_ends_with_the_same_weights(cases, tmp_path, one_thread):
    whole = a_pretrainer(cases, tmp_path / "whole", steps=8)
    whole.run()
    with pytest.raises(Cancelled, match="Stopped after step 3 of 8"):
        a_pretrainer(cases, tmp_path / "part", steps=8).run(stop_after(3))
    rest = a_pretrainer(cases, tmp_path / "part", steps=8)
    assert rest.step == 3 and len(rest.recent) == 16  # the queue is full after two steps of 2 x 4 large crops
    rest.run()
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(rest).items())
    files = [sha256(tmp_path / name / "encoder.safetensors") for name in ("whole", "part")]
    assert files[0] == files[1]


def test_what_is_kept_is_the_teachers_encoder_and_decoder_under_the_names_of_the_network(cases, tmp_path):
    trainer = a_pretrainer(cases, tmp_path, steps=3, log_steps=1)
    events = []
    trainer.run(events.append)
    kept, entry = read_encoder(tmp_path)
    network = FusionNet(trainer.plan.config)
    result = network.load_state_dict(kept, strict=False)
    assert not result.unexpected_keys
    assert {name.partition(".")[0] for name in result.missing_keys} == {"fuse", "head"}
    for name, value in trainer.teacher.network.state_dict().items():
        assert name not in kept or torch.equal(kept[name], value)
    assert entry["families"] == ["MR"] and entry["network"]["widths"] == [8, 8, 16] and entry["steps"] == 3
    assert entry["checksum"] == sha256(tmp_path / "encoder.safetensors")
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert [int(row["step"]) for row in rows] == [1, 2, 3]
    assert {"loss", "views", "places", "tokens", "spread", "wait"} <= rows[0].keys()
    assert (events[-1].done, events[-1].total) == (3, 3) and "spread" in events[-1].message


def test_a_loss_that_is_no_number_leaves_the_last_state(cases, tmp_path, monkeypatch):
    trainer = a_pretrainer(cases, tmp_path, steps=4, checkpoint_steps=2)
    real = loop.learning_loss

    def broken(student, teacher, views, plan, step, recent):
        learned = real(student, teacher, views, plan, step, recent)
        return learned._replace(loss=learned.loss * float("nan")) if step == 3 else learned

    monkeypatch.setattr(loop, "learning_loss", broken)
    with pytest.raises(TrainingError, match="step 3 is no number"):
        trainer.run()
    assert a_pretrainer(cases, tmp_path, steps=4).step == 2
    assert not (tmp_path / "encoder.json").exists()


def test_memory_that_is_not_enough_is_said_in_a_sentence_and_the_state_is_kept(cases, tmp_path, monkeypatch):
    trainer = a_pretrainer(cases, tmp_path)
    batches = trainer.batches()
    trainer.advance(batches)
    monkeypatch.setattr(loop, "learning_loss", lambda *given: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(OutOfMemoryError, match="4 volumes with crops of 16 x 16 x 16"):
        trainer.run()
    assert a_pretrainer(cases, tmp_path).step == 1


def test_a_full_disk_is_said_in_a_sentence(cases, tmp_path, monkeypatch):
    def full(*given, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop.Table, "add", full)
    with pytest.raises(OutputError, match="No space left"):
        a_pretrainer(cases, tmp_path, log_steps=1).run()


def test_the_state_of_another_network_is_refused(cases, tmp_path):
    a_pretrainer(cases, tmp_path).save()
    other = {"kind": "fusion", "classes": 2, "widths": [8, 8, 8], "stride": 8, "side": False, "lesion": False}
    with pytest.raises(InputError, match="checkpoint of another network: widths"):
        a_pretrainer(cases, tmp_path, network=other)


def test_a_damaged_encoder_is_refused(cases, tmp_path):
    a_pretrainer(cases, tmp_path).export()
    with pytest.raises(InputError, match="holds no pre-trained encoder"):
        read_encoder(tmp_path / "nothing")
    record = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    (tmp_path / "encoder.json").write_text(json.dumps({**record, "checksum": "0"}), encoding="utf-8")
    with pytest.raises(InputError, match="checksum is not the one"):
        read_encoder(tmp_path)
    (tmp_path / "encoder.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be used"):
        read_encoder(tmp_path)


def test_a_training_starts_from_the_encoder(cases, tmp_path):
    trainer = a_pretrainer(cases, tmp_path / "encoder", steps=2)
    trainer.run()
    data = write_labelled(tmp_path / "data")
    plan = Plan(
        data=str(data),
        held_out=("b",),
        init=str(tmp_path / "encoder"),
        network={"kind": "fusion", "widths": [8, 8, 16]},
        stages=(Stage(1.0, 1.0, ((8, 8, 16),), (1.0,)),),
        topology=(),
        workers=0,
        device="cpu",
    )
    said = []
    started = prepare(plan, tmp_path / "run", lambda event: said.append(event.message))
    kept, _ = read_encoder(tmp_path / "encoder")
    found = started.task.network.state_dict()
    assert len(kept) > 10 and all(torch.equal(found[name], value) for name, value in kept.items())
    assert any(f"{len(kept)} of {len(kept)} weights taken" in text for text in said)


def write_labelled(folder):
    """Two MR images with labels."""
    for number, name in enumerate("ab"):
        write(an_mr(number), folder / "images" / f"{name}.nii.gz")
        write(a_label({1: np.s_[2:8, 3:9, 2:8]}), folder / "labels" / f"{name}.nii.gz")
    return folder
