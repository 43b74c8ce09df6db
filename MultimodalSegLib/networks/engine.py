"""Running an exported network with OpenVINO."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import MissingPackageError
from .device import choose_precision
from .graph import HALF, LABELS, RAW

if TYPE_CHECKING:
    import openvino


def import_openvino() -> ModuleType:
    """The package ``openvino``, which must not be imported otherwise: it would report itself to its maker.

    Raises:
        MissingPackageError: it is not installed.
    """
    # Without its reporting package openvino falls back to a stand-in that sends nothing and writes no identifier.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise MissingPackageError(
            "OpenVINO is not installed.", "Install it with: pip install 'multimodalseg[openvino]'"
        ) from error
    return openvino


class OpenVinoNetwork:
    """A network that OpenVINO has compiled for this computer's processor.

    Args:
        model: of :func:`~.export.to_openvino`, the ``.xml`` file that it wrote, or what :meth:`blob` gave.
        precision: ``torch.float32`` or ``torch.bfloat16``; the processor's native one if None.
        threads: of the processor; all if None.

    Raises:
        MissingPackageError: OpenVINO is not installed.
        RuntimeError: it cannot compile the model, or the blob is damaged or of another version.
    """

    def __init__(
        self,
        model: openvino.Model | Path | str | bytes,
        precision: torch.dtype | None = None,
        threads: int | None = None,
    ) -> None:
        core = import_openvino().Core()
        precision = precision or choose_precision(torch.device("cpu"))
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision is torch.bfloat16 else "f32",
            "NUM_STREAMS": 1,  # one volume at a time, by all threads
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        if isinstance(model, bytes):
            self._compiled = core.import_model(model, "CPU", options)
        else:
            self._compiled = core.compile_model(str(model) if isinstance(model, Path) else model, "CPU", options)
        # optimizing may give a tensor the names of others beside its own
        known = (*LABELS, *RAW, *HALF)
        self._names = [next(name for name in known if name in o.names) for o in self._compiled.outputs]

    def blob(self) -> bytes:
        """The compiled network, for :class:`OpenVinoNetwork` on the same computer with the same version of OpenVINO."""
        exported = self._compiled.export_model()  # bytes in versions up to 2025, a stream since
        return exported if isinstance(exported, bytes) else bytes(exported.getvalue())

    def __call__(self, images: Tensor, modality: Tensor) -> dict[str, Tensor]:
        """The graph's outputs by name; they are the caller's own and may be changed.

        Args:
            images: (1, M, D, H, W) float32 of the shape the model was exported for.
            modality: (1, M) int64 family indices.
        """
        inputs = {"images": images.numpy(), "modality": modality.numpy()}
        found = self._compiled.create_infer_request().infer(inputs, share_inputs=True, share_outputs=True)
        return {name: torch.from_numpy(np.asarray(found[n])) for n, name in enumerate(self._names)}
