"""What the trunk sees of a case: computed once, then every click is quick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..images.grid import Grid
from ..images.volume import Volume
from ..inference.view import network_view
from ..models.bundle import Bundle
from ..models.purpose import CLICKS
from ..networks.click_net import ClickNet

AIR_REACH_MM = 6.0
AIR = {"CT": -1.0}
AIR_ELSEWHERE = -0.85
"""Normalized intensities below which there is nothing: -200 HU; what is all but the darkest of an MRI."""


@dataclass(frozen=True)
class Scene:
    """A case as the click network sees it.

    Args:
        images: (M, D, H, W) float32 normalized.
        features: (C, D/2, H/2, W/2) float16 of the trunk.
        names: the M modalities.
        grid: working grid of the images.
    """

    images: Tensor
    features: Tensor
    names: tuple[str, ...]
    grid: Grid

    def voxels(self, points: np.ndarray) -> np.ndarray:
        """Nearest voxels (n, 3) in the order k, j, i of points (n, 3), LPS mm."""
        return voxels_of(self.grid, points)

    def is_empty(self, voxel: np.ndarray) -> bool:
        """Whether no modality shows anything but air around a voxel."""
        reach = round(AIR_REACH_MM / self.grid.spacing[0])
        part = tuple(slice(max(0, int(v) - reach), int(v) + reach + 1) for v in voxel)
        return all(
            float(image[part].max()) < AIR.get(name, AIR_ELSEWHERE)
            for name, image in zip(self.names, self.images, strict=True)
        )


def look(bundle: Bundle, network: ClickNet, volumes: Mapping[str, Volume], device: torch.device) -> Scene:
    """Resample and normalize aligned volumes, and let the trunk look at them.

    Args:
        bundle: of a click network.
        network: of the bundle, on ``device``.
        volumes: by modality, in one space.
        device: where to compute.

    Raises:
        InputError: a modality that the model does not know, or values that are not finite.
    """
    view = network_view(bundle, volumes)
    with torch.inference_mode():
        present = torch.ones(1, len(view.images), dtype=torch.bool, device=device)
        features = network.features(view.images[None].to(device), present, view.family[None].to(device))
    return Scene(view.images, features[0].half().cpu(), view.names, view.grid)


def write_scene(scene: Scene, path: Path, made_from: str) -> None:
    """Keep a scene as a ``.safetensors`` file.

    Args:
        scene: to keep.
        path: the file.
        made_from: checksum of model and volumes; :func:`read_scene` asks for the same.
    """
    from safetensors.torch import save_file

    told = {"grid": json.dumps(asdict(scene.grid)), "names": json.dumps(scene.names), "made_from": made_from}
    content = {"images": scene.images.half().contiguous(), "features": scene.features.contiguous()}
    save_file(content, str(path), metadata=told)


def read_scene(path: Path, made_from: str) -> Scene | None:
    """The scene of a file; None if there is none of this model and these volumes."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            told = file.metadata() or {}
            if told.get("made_from") != made_from:
                return None
            images, features = file.get_tensor("images").float(), file.get_tensor("features")
    except (OSError, SafetensorError):
        return None
    grid = {key: tuple(value) for key, value in json.loads(told["grid"]).items()}
    return Scene(images, features, tuple(json.loads(told["names"])), Grid(**grid))


def click_network(bundle: Bundle) -> ClickNet:
    """The network of a click model.

    Raises:
        ModelError: a model of another kind, or weights that do not fit.
    """
    bundle.check_for(CLICKS)
    network = bundle.network()
    assert isinstance(network, ClickNet)
    return network


def voxels_of(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Nearest voxels (n, 3) of a grid, in the order k, j, i, to points (n, 3), LPS mm; they may lie outside."""
    return np.rint(grid.indices(points)).astype(int)[:, ::-1]
