"""nnInteractive as a peer of ``refine.py``, where the user has installed its package and its weights.

Isensee et al., nnInteractive: Redefining 3D Promptable Segmentation, 2025. Clicks are given one after the other to one
session, as its users do; each is answered on the image as it is, one channel. The weights are for non-commercial use
and do not come with this program.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.refinement.prompts import Prompts


def missing(weights: Path | None) -> str:
    """Why it cannot be measured; empty if it can."""
    if importlib.util.find_spec("nnInteractive") is None:
        return "the package nnInteractive is not installed"
    if weights is None or not (weights / "plans.json").is_file():
        return "--nninteractive names no folder with its weights (plans.json, fold_0)"
    return ""


class Peer:
    """Answers clicks as :class:`~MultimodalSegLib.refinement.answer.Refiner` does.

    Args:
        weights: folder of the trained model.
        device: where to compute; a card, if clicks are not to take minutes.
    """

    def __init__(self, weights: Path, device: str) -> None:
        from nnInteractive.inference.inference_session import nnInteractiveInferenceSession

        self._session = nnInteractiveInferenceSession(
            device=torch.device(device), use_torch_compile=False, verbose=False, do_autozoom=True
        )
        self._session.initialize_from_trained_model_folder(str(weights))

    def look(self, volume: Volume) -> None:
        """Take the image of a patient."""
        self.reference = volume.grid
        self._session.set_image(volume.array[None].astype(np.float32))
        self._mask = torch.zeros(volume.array.shape, dtype=torch.uint8)
        self._session.set_target_buffer(self._mask)

    def answer(self, prompts: Prompts, _previous: np.ndarray) -> SimpleNamespace:
        """``mask``, (k, j, i) bool, after one more click; the first click of an object forgets the object before."""
        points = [(place, kind == "positive") for kind in ("positive", "negative") for place in getattr(prompts, kind)]
        if len(points) == 1:
            self._session.reset_interactions()
            self._heard: set[bytes] = set()
        for place, positive in points:
            if place.tobytes() not in self._heard:
                voxel = np.rint(self.reference.indices(place[None])[0]).astype(int)[::-1]
                self._session.add_point_interaction(tuple(voxel.tolist()), include_interaction=positive)
                self._heard.add(place.tobytes())
        return SimpleNamespace(mask=self._mask.numpy().astype(bool))
