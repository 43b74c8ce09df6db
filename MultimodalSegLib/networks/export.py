"""Networks as ONNX and OpenVINO files, for processors without a GPU and for programs without torch."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import InputError, MissingPackageError
from .engine import import_openvino
from .graph import LABELS, RAW, LabelGraph, RawGraph

if TYPE_CHECKING:
    import openvino

INPUTS = ("images", "modality")
OPSET = 17


def to_onnx(
    network: nn.Module, path: Path | str, shape: Sequence[int], modalities: int, *, labels: bool = False
) -> Path:
    """Write a network as an ONNX file for one shape and number of modalities.

    The graph's inputs are ``images`` (1, M, D, H, W) float32 and ``modality`` (1, M) int64; every modality is present.

    Args:
        network: any with the call of the fusion network, without learned sampling positions.
        path: of the file to write.
        shape: (D, H, W) in voxels, multiples of the network's stride.
        modalities: M.
        labels: write :class:`~.graph.LabelGraph` (labels, left, lesion_probability, presence, weights), which needs far
            less memory, instead of :class:`~.graph.RawGraph` (the logits).

    Raises:
        InputError: the network samples at learned positions.
        MissingPackageError: the package ``onnx`` is not installed.

    Example:
        >>> to_onnx(load_bundle().network(), "head.onnx", (160, 192, 160), 2, labels=True)    # doctest: +SKIP
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingPackageError("ONNX is not installed.", "Install it with: pip install 'multimodalseg[export]'")
    graph, example = (LabelGraph(network) if labels else RawGraph(network)).eval(), _example(shape, modalities)
    _record(graph, example)
    with _quietly():
        torch.onnx.export(
            graph,
            example,
            str(path),
            dynamo=False,  # torch's newer exporter needs the package onnxscript
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(LABELS if labels else RAW),
        )
    return Path(path)


def to_openvino(
    network: nn.Module, path: Path | str | None, shape: Sequence[int], modalities: int, *, labels: bool = False
) -> openvino.Model:
    """Convert a network to OpenVINO for one shape and number of modalities, as :func:`to_onnx` does to ONNX.

    Args:
        network: as for :func:`to_onnx`.
        path: of the ``.xml`` file to write, its weights go beside it as ``.bin``; None to write nothing.
        shape: as for :func:`to_onnx`.
        modalities: as for :func:`to_onnx`.
        labels: as for :func:`to_onnx`.

    Raises:
        InputError: the network samples at learned positions.
        MissingPackageError: OpenVINO is not installed.

    Example:
        >>> model = to_openvino(load_bundle().network(), None, (160, 192, 160), 2, labels=True)    # doctest: +SKIP
        >>> found = OpenVinoNetwork(model)(images, modality)                                       # doctest: +SKIP
    """
    openvino = import_openvino()
    graph = LabelGraph(network) if labels else RawGraph(network)
    model = converted(graph, LABELS if labels else RAW, shape, modalities)
    if path is not None:
        openvino.save_model(model, str(path), compress_to_fp16=False)
    return model


def converted(graph: nn.Module, outputs: Sequence[str], shape: Sequence[int], modalities: int) -> openvino.Model:
    """A graph of :mod:`.graph` for OpenVINO; it is run once on the processor to record it.

    Args:
        graph: with images and modality as inputs.
        outputs: their names.
        shape: as for :func:`to_onnx`.
        modalities: as for :func:`to_onnx`.

    Raises:
        InputError: the network samples at learned positions.
        MissingPackageError: OpenVINO is not installed.
    """
    openvino = import_openvino()
    example = _example(shape, modalities)
    recorded = _record(graph.eval(), example)
    with _quietly():
        model = openvino.convert_model(recorded, example_input=example, input=[list(x.shape) for x in example])
    for tensor, name in zip([*model.inputs, *model.outputs], (*INPUTS, *outputs), strict=True):
        tensor.get_tensor().set_names({name})
    return model


def _example(shape: Sequence[int], modalities: int) -> tuple[Tensor, Tensor]:
    """Inputs for a graph."""
    return torch.randn(1, modalities, *shape), torch.zeros(1, modalities, dtype=torch.int64)


def _record(graph: nn.Module, example: tuple[Tensor, Tensor]) -> torch.jit.ScriptModule:
    """The operations of one run.

    Raises:
        InputError: one of them samples at learned positions.
    """
    with _quietly():
        recorded = torch.jit.trace(graph, example, check_trace=False)
    if "aten::grid_sampler" in str(recorded.inlined_graph):
        raise InputError(
            "This network samples at positions that it learns (deformable attention), for which OpenVINO has no "
            "operation in three dimensions.",
            "Export a student: it is the same network without them.",
        )
    return recorded


@contextmanager
def _quietly() -> Iterator[None]:
    """Without gradients, and without warnings that sizes become constants: one shape is what is asked for."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
