"""Checkpoints: whole or not at all, and never anything that runs code."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.checkpoint import KEYS, check_same_model, read_state, save_batch, write_state
from Testing.training.small import MODEL, RandomSamples, a_plan

STATE = {key: torch.arange(1000.0) for key in KEYS} | {"step": 7}


def test_a_state_is_read_as_it_was_written(tmp_path):
    write_state(STATE, tmp_path / "last.pt")
    found = read_state(tmp_path / "last.pt")
    assert found["step"] == 7 and torch.equal(found["network"], STATE["network"])
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_leaves_the_old_state(tmp_path):
    write_state(STATE, tmp_path / "last.pt")
    before = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt.part").symlink_to("/dev/full")  # what is written to it really fails with ENOSPC
    with pytest.raises(OutputError, match=r"No space left on device\. The state before it, last.pt, is intact"):
        write_state(STATE | {"step": 8}, tmp_path / "last.pt")
    assert (tmp_path / "last.pt").read_bytes() == before
    write_state(STATE | {"step": 8}, tmp_path / "last.pt")  # there is space again
    assert read_state(tmp_path / "last.pt")["step"] == 8


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "")


def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path):
    torch.save(STATE | {"plan": Harmful(tmp_path / "harm")}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="is not the state of a training run"):
        read_state(tmp_path / "last.pt")
    (tmp_path / "last.pt").write_bytes(pickle.dumps(Harmful(tmp_path / "harm")))
    with pytest.raises(InputError, match="is not the state of a training run"):
        read_state(tmp_path / "last.pt")
    assert not (tmp_path / "harm").exists()


def test_damaged_missing_and_incomplete_states_are_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_state(tmp_path / "last.pt")
    write_state(STATE, tmp_path / "last.pt")
    content = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is not the state"):
        read_state(tmp_path / "last.pt")
    torch.save({"network": {}}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="of this version"):
        read_state(tmp_path / "last.pt")


def test_the_state_of_another_network_is_refused_by_what_differs(tmp_path):
    check_same_model(MODEL, dict(MODEL), tmp_path)
    other = MODEL | {"network": MODEL["network"] | {"widths": [8, 16]}}
    with pytest.raises(InputError, match=r"another network: widths is \[8, 16\] there and \[8, 8\] in the plan"):
        check_same_model(other, MODEL, tmp_path)
    renamed = [{**entry, "name": entry["name"] + "s"} for entry in MODEL["network_classes"]]
    with pytest.raises(InputError, match="classes or modalities differ"):
        check_same_model(MODEL | {"network_classes": renamed}, MODEL, tmp_path)


def test_a_bad_batch_can_be_looked_at(tmp_path):
    batch = collate([RandomSamples(a_plan())[n] for n in range(3)])
    batch.images[0, 0, 0, 0, 0] = torch.nan
    save_batch(batch, 5, tmp_path)
    found = load_file(tmp_path / "bad_batch.safetensors")
    assert found.keys() == vars(batch).keys()
    assert torch.isnan(found["images"][0, 0, 0, 0, 0]) and torch.equal(found["present"], batch.present)
