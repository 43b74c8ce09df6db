"""What goes over the wire, and a check of it that each site makes by itself."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey, from_shareable
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.shareable import ReservedHeaderKey, Shareable

from .average import Update

TRAIN, JUDGE = "train", "validate"
"""Names of the tasks that a server gives to a site."""

CASES, TRAINED = "cases", "trained"
"""Keys beside the weights; the metrics are where FLARE has them."""

META = frozenset({CASES, TRAINED, MetaKey.INITIAL_METRICS})


def pack_update(update: Update, metrics: Mapping[str, float]) -> Shareable:
    """A round's weights and metrics as a message."""
    meta = {
        CASES: update.cases,
        TRAINED: dict(update.trained),
        MetaKey.INITIAL_METRICS: dict(metrics),
    }
    message: Shareable = DXO(DataKind.WEIGHTS, dict(update.weights), meta).to_shareable()
    return message


def unpack_update(message: Shareable) -> tuple[Update, dict[str, float]]:
    """The inverse of :func:`pack_update`.

    Raises:
        ValueError: the message is something else.
    """
    dxo = from_shareable(message)
    try:
        update = Update(dxo.data, dxo.meta[TRAINED], int(dxo.meta[CASES]))
        return update, dict(dxo.meta.get(MetaKey.INITIAL_METRICS, {}))
    except (KeyError, TypeError) as error:
        raise ValueError(f"the message lacks {error}") from error


@dataclass(frozen=True)
class Allowed:
    """What may leave a site, known before its training begins.

    Args:
        shapes: of the weights by name, those of the network.
        metrics: names.
    """

    shapes: Mapping[str, tuple[int, ...]]
    metrics: frozenset[str]

    @classmethod
    def of_model(cls, metadata: Mapping[str, Any]) -> Allowed:
        """For the common model: the names and shapes of its weights, and one metric for each of its classes."""
        import torch

        from ..networks.build import build_network

        with torch.device("meta"):
            state = build_network(metadata["network"]).state_dict()
        classes = [str(entry["name"]) for entry in metadata["network_classes"]] + ["lesion"]
        metrics = {"dice", "loss", "epsilon", *(f"dice {name}" for name in classes)}
        return cls({name: tuple(value.shape) for name, value in state.items()}, frozenset(metrics))

    def problem(self, message: Shareable) -> str:
        """What in a message must not leave, empty if nothing.

        A message of an error holds nothing but its code.
        """
        extra = set(message) - {ReservedHeaderKey.HEADERS, "DXO"}
        if extra:
            return f"it holds {sorted(map(str, extra))[0]!r}"
        if message.get_return_code() != ReturnCode.OK:
            return "it holds more than the code of an error" if "DXO" in message else ""
        dxo = from_shareable(message)
        if dxo.data_kind == DataKind.METRICS:
            return self._metrics_problem(dxo.data) or ("it holds more than metrics" if dxo.meta else "")
        if dxo.data_kind != DataKind.WEIGHTS:
            return f"it holds {dxo.data_kind}"
        return self._weights_problem(dxo.data) or self._meta_problem(dxo.meta)

    def _weights_problem(self, weights: Mapping[str, Any]) -> str:
        for name, value in weights.items():
            if name not in self.shapes:
                return f"it holds {name!r}, which is no weight of the network"
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or value.shape != self.shapes[name]:
                return f"{name!r} is not an array of numbers of the shape {self.shapes[name]}"
        return ""

    def _meta_problem(self, meta: Mapping[str, Any]) -> str:
        extra = set(meta) - META
        if extra:
            return f"it holds {sorted(map(str, extra))[0]!r} beside the weights"
        if not isinstance(meta.get(CASES), int):
            return "its number of cases is no number"
        for name, rows in meta.get(TRAINED, {}).items():
            good = isinstance(rows, np.ndarray) and rows.dtype == bool and rows.shape == self.shapes.get(name, ())[:1]
            if name not in self.shapes or not good:
                return f"what was trained of {name!r} is not one truth value for each of its rows"
        return self._metrics_problem(meta.get(MetaKey.INITIAL_METRICS, {}))

    def _metrics_problem(self, metrics: Mapping[str, Any]) -> str:
        strange = sorted(set(map(str, metrics)) - self.metrics)
        if strange:
            return f"it holds the metric {strange[0]!r}"
        bad = [name for name, value in metrics.items() if not isinstance(value, numbers.Real)]
        return f"the metric {bad[0]!r} is no number" if bad else ""
