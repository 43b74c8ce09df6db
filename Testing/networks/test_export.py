"""Exported networks give the masks that torch gives, on noise and on real images."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from MultimodalSegLib.errors import InputError, MissingPackageError
from MultimodalSegLib.images.case import Case
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.inference.head_box import head_box
from MultimodalSegLib.inference.prepare import network_images
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.config import student, teacher
from MultimodalSegLib.networks.engine import OpenVinoNetwork
from MultimodalSegLib.networks.export import to_onnx, to_openvino
from MultimodalSegLib.networks.fusion_net import FusionNet, FusionOutput
from MultimodalSegLib.networks.graph import LABELS, RAW, LabelGraph
from MultimodalSegLib.resources import resource

CONFIG = {"families": 2, "classes": 12, "widths": (8, 16, 16), "swin_from": 1, "swin_width": 24, "cross_width": 24}
SHAPE = (32, 48, 40)
LEAST_DICE = 0.999


@pytest.fixture(scope="module")
def a_network() -> nn.Module:
    torch.manual_seed(0)
    network = FusionNet(student(**CONFIG)).eval()  # with everything that an exported network may have
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(1, 2, *(n // 4 for n in SHAPE), generator=torch.Generator().manual_seed(1))
    return F.interpolate(noise, scale_factor=4.0, mode="trilinear"), torch.tensor([[1, 0]])


def answer(network: nn.Module, images: torch.Tensor, modality: torch.Tensor) -> FusionOutput:
    with torch.inference_mode():
        return network(images, torch.ones(images.shape[:2], dtype=torch.bool), modality)


def assert_same_mask(found: dict[str, torch.Tensor], expected: FusionOutput) -> None:
    """Dice of every structure present, of the left side and of lesion."""
    structures = expected.structures.argmax(1, keepdim=True)
    masks = [(found["labels"] == k, structures == k) for k in structures.unique()]
    masks += [(found["left"] == 1, expected.side > 0), (found["lesion_probability"] > 0.5, expected.lesion > 0)]
    assert len(structures.unique()) > 2  # there is something to compare
    for mine, theirs in masks:
        total = mine.sum() + theirs.sum()
        assert total == 0 or 2 * (mine & theirs).sum() / total >= LEAST_DICE


def onnx_answer(path: Path, images: torch.Tensor, modality: torch.Tensor) -> dict[str, torch.Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"images": images.numpy(), "modality": modality.numpy()})
    return {entry.name: torch.from_numpy(o) for entry, o in zip(session.get_outputs(), outputs, strict=True)}


def openvino_answer(model, images, modality, precision=torch.float32) -> dict[str, torch.Tensor]:
    return OpenVinoNetwork(model, precision, threads=1)(images, modality)


def test_labels_are_the_same_whether_read_from_all_logits_or_in_the_graph(a_network, inputs):
    with torch.inference_mode():
        found = dict(zip(LABELS, LabelGraph(a_network)(*inputs), strict=True))
    expected = answer(a_network, *inputs)
    assert found["labels"].dtype == found["left"].dtype == torch.uint8
    assert torch.equal(found["labels"].long(), expected.structures.argmax(1, keepdim=True))
    assert torch.equal(found["left"] == 1, expected.side > 0)
    assert torch.allclose(found["lesion_probability"], expected.lesion.sigmoid(), atol=1e-5)
    assert torch.allclose(found["presence"], expected.presence)


def test_the_label_graph_never_holds_the_logits_of_the_whole_volume(a_network, inputs):
    half = tuple(n // 2 for n in SHAPE)
    with torch.inference_mode(), MapSizes(SHAPE, half) as found:
        LabelGraph(a_network)(*inputs)
    with torch.inference_mode(), MapSizes(SHAPE, half) as usual:
        answer(a_network, *inputs)
    logits = (CONFIG["classes"] + 2) * int(np.prod(SHAPE))
    assert max(usual.sizes) == logits
    assert max(found.sizes) < logits / 2


class MapSizes(TorchDispatchMode):
    """Gathers the sizes of all tensors that are maps of one of the given shapes."""

    def __init__(self, *shapes):
        super().__init__()
        self.shapes, self.sizes = shapes, []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        result = operator(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and tuple(result.shape[-3:]) in self.shapes:
            self.sizes.append(result.numel())
        return result


@pytest.mark.parametrize("labels", [False, True])
def test_onnx_gives_torch_s_answer(a_network, inputs, tmp_path, labels):
    path = to_onnx(a_network, tmp_path / "network.onnx", SHAPE, 2, labels=labels)
    found, expected = onnx_answer(path, *inputs), answer(a_network, *inputs)
    if labels:
        return assert_same_mask(found, expected)
    assert list(found) == list(RAW)
    for name in RAW:
        assert torch.allclose(found[name], getattr(expected, name), atol=2e-3), name


@pytest.mark.parametrize("labels", [False, True])
def test_openvino_gives_torch_s_answer(a_network, inputs, tmp_path, labels):
    path = tmp_path / "network.xml"
    to_openvino(a_network, path, SHAPE, 2, labels=labels)
    found, expected = openvino_answer(path, *inputs), answer(a_network, *inputs)
    if labels:
        return assert_same_mask(found, expected)
    for name in RAW:
        assert torch.allclose(found[name], getattr(expected, name), atol=2e-3), name


def test_openvino_computes_the_student_in_16_bits_too(a_network, inputs):
    """Some operations exist in float32 alone; where the processor has no bfloat16, both are the same."""
    model = to_openvino(a_network, None, SHAPE, 2, labels=True)
    exact, rough = (openvino_answer(model, *inputs, precision=p)["labels"] for p in (torch.float32, torch.bfloat16))
    assert float((exact == rough).float().mean()) > 0.9


def test_the_modality_is_an_input_of_the_graph_not_a_constant(a_network, inputs):
    model = to_openvino(a_network, None, SHAPE, 2)
    images, modality = inputs
    first, second = (openvino_answer(model, images, m)["structures"] for m in (modality, 1 - modality))
    assert torch.allclose(second, answer(a_network, images, 1 - modality).structures, atol=2e-3)
    assert not torch.allclose(first, second, atol=0.1)


def test_the_shipped_student_gives_the_same_mask_of_the_demo_case(tmp_path):
    bundle = load_bundle("head-student")
    folder = resource("demo/synthetic")
    case = Case({name: read_volume(folder / f"{name}.nrrd") for name in ("CT", "MR")})
    box = head_box(case.volumes)
    grid = box.grid(bundle.spacing, bundle.stride)
    images, found_names, _ = network_images(case.volumes, grid, bundle.normalization, lambda *_: None)
    middle = tuple(slice((n - 64) // 2, (n - 64) // 2 + 64) for n in images.shape[1:])
    inputs = (
        images[(None, slice(None), *middle)].contiguous(),
        torch.tensor([[bundle.family_index(n) for n in found_names]]),
    )
    network = bundle.network()
    expected = answer(network, *inputs)
    assert_same_mask(openvino_answer(to_openvino(network, None, (64,) * 3, 2, labels=True), *inputs), expected)
    assert_same_mask(onnx_answer(to_onnx(network, tmp_path / "h.onnx", (64,) * 3, 2, labels=True), *inputs), expected)


def test_a_baseline_can_be_exported(inputs):
    torch.manual_seed(0)
    network = build_network({"kind": "unet", "families": 2, "classes": 6}).eval()
    images, modality = inputs[0][..., :16, :16, :16].contiguous(), inputs[1]
    found = openvino_answer(to_openvino(network, None, (16,) * 3, 2), images, modality)
    expected = answer(network, images, modality)
    assert all(torch.allclose(found[name], getattr(expected, name), atol=2e-3) for name in RAW)


@pytest.mark.parametrize("export", [to_onnx, to_openvino])
def test_a_network_with_learned_sampling_is_refused_and_the_student_is_named(export, tmp_path):
    with pytest.raises(InputError, match="deformable") as caught:
        export(FusionNet(teacher(**CONFIG, head_width=8)), tmp_path / "network.xml", SHAPE, 2)
    assert "student" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_openvino_one_sentence_says_how_to_get_it(monkeypatch, a_network):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPackageError, match="not installed") as caught:
        to_openvino(a_network, None, SHAPE, 2)
    assert "multimodalseg[openvino]" in caught.value.hint


def test_without_onnx_one_sentence_says_how_to_get_it(monkeypatch, a_network, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="ONNX is not installed") as caught:
        to_onnx(a_network, tmp_path / "network.onnx", SHAPE, 2)
    assert "multimodalseg[export]" in caught.value.hint


def test_openvino_tells_nobody_that_it_is_used(tmp_path):
    """Imported plainly it would leave an identifier in the home folder and send events."""
    code = (
        "import sys; from MultimodalSegLib.networks.engine import import_openvino; import_openvino().Core(); "
        "from openvino.tools.ovc.convert import convert_model; print('openvino_telemetry.main' in sys.modules)"
    )
    home = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=home)
    assert result.stdout.strip() == "False", result.stderr
    assert not [path for path in tmp_path.rglob("*") if "intel" in path.name.lower()]
