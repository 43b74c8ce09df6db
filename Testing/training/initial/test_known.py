"""What a run may start from: a bundle, a run, a checkpoint or an encoder; each in one sentence if it is damaged."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from MultimodalSegLib.checksum import sha256
from MultimodalSegLib.errors import InputError, ModelError
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.initial.known import read_known
from Testing.training.small import NETWORK, a_plan, a_trainer


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    a_trainer(folder, a_plan(steps=1)).run()
    export(folder, folder / "tiny")
    return folder


def test_a_bundle_a_run_and_a_checkpoint_are_the_same_model(a_run: Path) -> None:
    bundle, run, checkpoint = (read_known(a_run / part) for part in ("tiny", ".", "last.pt"))
    assert [known.names for known in (bundle, run, checkpoint)] == [["background", "ball", "shell"]] * 3
    assert run.checksum == checkpoint.checksum == sha256(a_run / "last.pt") and bundle.checksum != run.checksum
    assert torch.allclose(run.weights["head.weight"], bundle.weights["head.weight"], atol=1e-3)
    assert run.spacing == bundle.spacing == (2.0, 2.0, 2.0)
    assert not any(parameter.requires_grad for parameter in run.network().parameters())


def an_encoder(folder: Path, **changes: object) -> Path:
    save_file({"stem.bias": torch.ones(8)}, str(folder / "encoder.safetensors"))
    checksum = sha256(folder / "encoder.safetensors")
    entry = {"network": NETWORK, "families": ["MR"], "checksum": checksum, **changes}
    (folder / "encoder.json").write_text(
        json.dumps({key: value for key, value in entry.items() if value}), encoding="utf-8"
    )
    return folder


def test_an_encoder_is_read(tmp_path: Path) -> None:
    known = read_known(an_encoder(tmp_path))
    assert known.families == ("MR",) and known.names == [] and known.spacing is None
    assert torch.equal(known.weights["stem.bias"], torch.ones(8))


@pytest.mark.parametrize(("changes", "said"), [({"checksum": "0" * 64}, "checksum"), ({"families": None}, "families")])
def test_a_damaged_encoder_is_refused(tmp_path: Path, changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=f"encoder .* cannot be used: .*{said}"):
        read_known(an_encoder(tmp_path, **changes))


def test_a_folder_of_nothing_known_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a model, a training run nor an encoder"):
        read_known(tmp_path)
    with pytest.raises(ModelError, match="no model 'nothing'"):
        read_known("nothing")
