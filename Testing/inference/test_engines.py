"""OpenVINO gives the masks that torch gives; what it compiled is found again; without it torch computes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference import engines
from MultimodalSegLib.inference.engines import choose_engine
from MultimodalSegLib.inference.memory import bytes_per_voxel
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks import compiled
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.config import student
from Testing.inference.test_predict import ALL, GRIDS

pytest.importorskip("openvino", reason="OpenVINO is not installed")

CPU = torch.device("cpu")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def exact(monkeypatch):
    """Both engines in float32, whatever the processor."""
    monkeypatch.setattr(engines, "choose_precision", lambda device: torch.float32)


@pytest.mark.parametrize("modalities", [("CT", "MR"), ("CT",)])
def test_the_same_labels_as_torch(phantom, a_trained_model, cache, exact, modalities):
    case = phantom.case(GRIDS["canonical"], *modalities)
    one, other = (
        segment(case, a_trained_model, engine=name, probabilities=["lesion"]) for name in ("torch", "openvino")
    )
    assert (one.engine, other.engine) == ("torch", "openvino")
    assert min(dice(other.labels, one.labels, ALL).values()) > 0.999
    assert np.mean(one.labels.array == other.labels.array) > 0.9999
    assert other.lesion_presence == pytest.approx(one.lesion_presence, abs=1e-3)
    assert other.modality_weights == pytest.approx(one.modality_weights, abs=1e-3)
    assert np.abs(one.probabilities["lesion"].array - other.probabilities["lesion"].array).max() < 5e-3
    assert len(list(cache.iterdir())) == 1


def test_the_same_labels_in_windows(phantom, a_trained_model, cache, exact):
    case = phantom.case(GRIDS["canonical"], "CT")
    need = bytes_per_voxel(a_trained_model.metadata["network"], 1, torch.float32)
    limit = 0.9 * need * 40 * 48 * 40 / 2**20  # the head has so many working voxels
    one, other = (segment(case, a_trained_model, engine=name, memory_limit_mb=limit) for name in ("torch", "openvino"))
    assert other.windows > 1 and np.mean(one.labels.array == other.labels.array) > 0.999
    assert len(list(cache.iterdir())) == 1  # all windows have one shape


def test_what_was_compiled_is_found_again_and_damage_is_no_harm(phantom, a_trained_model, cache, monkeypatch):
    case, told = phantom.case(GRIDS["canonical"], "CT"), []

    def run():
        told.clear()
        result = segment(case, a_trained_model, engine="openvino", progress=lambda event: told.append(event.message))
        return result.labels.array, "Preparing the network for this computer" in told

    first, compiled_then = run()
    monkeypatch.setattr(compiled, "converted", lambda *given: pytest.fail("recorded again"))
    again, compiled_again = run()
    assert compiled_then and not compiled_again and np.array_equal(first, again)
    monkeypatch.undo()
    monkeypatch.setenv("MMS_CACHE", str(cache))
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    mended, compiled_then = run()
    assert compiled_then and np.array_equal(first, mended) and path.stat().st_size > 1000


def test_it_is_chosen_where_it_is_better(a_trained_model, tmp_path, monkeypatch):
    monkeypatch.delenv(engines.USUAL)
    assert choose_engine(a_trained_model, CPU) == "openvino"
    assert choose_engine(a_trained_model, torch.device("cuda:0")) == "torch"
    assert choose_engine(a_trained_model, CPU, "torch") == "torch"
    with pytest.raises(InputError, match="not on cuda"):
        choose_engine(a_trained_model, torch.device("cuda:0"), "openvino")
    with pytest.raises(InputError, match="Unknown engine 'fast'"):
        choose_engine(a_trained_model, CPU, "fast")
    network = {**a_trained_model.metadata["network"], "deformable": True}
    deformed = replace(a_trained_model, metadata={**a_trained_model.metadata, "network": network})
    assert choose_engine(deformed, CPU) == "torch"
    with pytest.raises(InputError, match="learned positions"):
        choose_engine(deformed, CPU, "openvino")
    monkeypatch.setenv(engines.USUAL, "torch")
    assert choose_engine(a_trained_model, CPU) == "torch"


def test_torch_takes_over_where_openvino_fails_unasked(phantom, a_trained_model, cache, monkeypatch):
    monkeypatch.delenv(engines.USUAL)

    def fails(*given):
        raise RuntimeError("this processor has no such instruction")

    monkeypatch.setattr(compiled, "converted", fails)
    case = phantom.case(GRIDS["canonical"], "CT")
    result = segment(case, a_trained_model)
    assert result.engine == "torch" and "no such instruction" in result.warnings[0]
    with pytest.raises(RuntimeError, match="no such instruction"):
        segment(case, a_trained_model, engine="openvino")


def test_a_student_with_everything_gives_the_same_labels(phantom, a_trained_model, cache, exact, tmp_path):
    """Windows of attention and attention between modalities, whose ways back no longer start at zero."""
    entry = a_trained_model.metadata["network"]
    more = {"swin_from": 2, "swin_width": 24, "cross_width": 24, "size_gate": False, "deep_supervision": False}
    given = {"widths": tuple(entry["widths"]), "side": entry.get("side", True), "lesion": entry.get("lesion", True)}
    config = student(entry["families"], entry["classes"], **given, **more).to_dict()
    torch.manual_seed(0)
    network = build_network(config)
    network.load_state_dict(a_trained_model.network().state_dict(), strict=False)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "to_features" in name or "cross.back" in name:
                parameter.add_(0.02 * torch.randn_like(parameter))
    metadata = {**a_trained_model.metadata, "network": config, "name": "student"}
    bundle = save_bundle(tmp_path / "student", metadata, network.state_dict())
    case = phantom.case(Grid((50, 54, 50), (3.0, 3.0, 3.0), (-73.5, -79.5, -73.5)), "CT", "MR")
    one, other = (segment(case, bundle, engine=name) for name in ("torch", "openvino"))
    present = [value for value in np.unique(one.labels.array) if value]
    assert len(present) > 1 and min(dice(other.labels, one.labels, present).values()) > 0.999
