"""The command ``pretrain``: from a folder of volumes to an encoder, and sentences when that cannot be."""

from MultimodalSegLib.training.pretraining.encoder_file import read_encoder
from Testing.training.pretraining.small import write_volumes

QUICK = ("--steps", "1", "--batch", "2", "--crop", "64", "--device", "cpu", "--modality", "MR")


def test_a_folder_of_volumes_becomes_an_encoder(command, tmp_path):
    data, out = write_volumes(tmp_path / "data", 2), tmp_path / "run"
    ended = command("pretrain", data, "--out", out, *QUICK)
    assert ended.code == 0, ended.err
    assert "Encoder after 1 steps on 2 volumes (MR)" in ended.out and f"train --init {out}" in ended.out
    weights, entry = read_encoder(out)
    assert entry["volumes"] == 2 and {name.partition(".")[0] for name in weights} >= {"stem", "context"}
    again = command("pretrain", data, "--out", out, *QUICK[2:], "--steps", "2")
    assert again.code == 2 and "began with steps 1, not 2" in again.err


def test_a_file_that_cannot_be_read_is_named(command, tmp_path):
    data = write_volumes(tmp_path / "data", 2)
    (data / "volume1.nii.gz").write_bytes(b"nothing")
    ended = command("pretrain", data, "--out", tmp_path / "run", *QUICK)
    assert ended.code == 2 and "volume1.nii.gz" in ended.err and "Traceback" not in ended.err


def test_a_folder_without_volumes_is_a_sentence(command, tmp_path):
    ended = command("pretrain", tmp_path, "--out", tmp_path / "run", *QUICK)
    assert ended.code == 2 and "holds no volume to learn from" in ended.err
