"""A scan with thick slices and models that add detail, small and untrained."""

from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.detail_net import DetailConfig, DetailNet

GRID = Grid((24, 20, 8), (1.0, 1.0, 4.0), (-12.0, -10.0, -16.0))


def a_thick_scan(grid: Grid = GRID, low: float = 0.0, high: float = 1000.0, noise: float = 0.0) -> Volume:
    """A ball in an oblique slope."""
    k, j, i = np.indices(grid.shape)
    points = np.stack([i, j, k], axis=-1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    inside = np.linalg.norm(points, axis=-1) < 8
    array = low + (high - low) * (0.3 + 0.01 * points.sum(-1) + 0.3 * inside)
    array += np.random.default_rng(0).normal(0, noise, array.shape)
    return Volume(array.astype(np.float32), grid)


def a_detail_network(noise: float = 0.1) -> DetailNet:
    """It adds a little of something."""
    torch.manual_seed(0)
    network = DetailNet(DetailConfig(2, (8, 8), 1, 8, noise))
    torch.nn.init.normal_(network.head.weight, std=0.02)
    return network.eval()


def a_detail_model(folder: Path, noise: float = 0.1) -> Bundle:
    """A model that adds detail of no use."""
    network = a_detail_network(noise)
    metadata = {
        "name": folder.name,
        "version": "0.0.1",
        "description": "Untrained.",
        "license": "Apache-2.0",
        "network": network.config.to_dict(),
        "working_spacing": 1.0,
        "region": "volume",
        "modality_families": ["CT", "MR"],
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""}
        ],
        "lesion": {},
        "training_data": "none",
        "limits": ["untrained"],
    }
    return save_bundle(folder, metadata, network.state_dict())
