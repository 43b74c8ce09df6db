"""Volumes and a model that paints, small and untrained."""

from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.detail_net import DetailConfig, DetailNet
from MultimodalSegLib.painting.flow import IMAGES, Painter
from MultimodalSegLib.painting.load import LESION_KINDS
from MultimodalSegLib.synthesis.lesion_looks import KINDS

FAMILIES = ("CT", "MR")
FAMILY = {"CT": "CT", "T1": "MR"}


def a_paint_network() -> DetailNet:
    """It paints something."""
    torch.manual_seed(0)
    network = DetailNet(DetailConfig(2, (8, 8), 1, 8, 0.5, IMAGES, len(KINDS)))
    for module in (network.head, *(m for m in network.modules() if isinstance(m, torch.nn.Linear))):
        torch.nn.init.normal_(module.weight, std=0.1)
    return network.eval()


def a_painter(steps: int = 2) -> Painter:
    """On the processor."""
    return Painter(a_paint_network(), KINDS, FAMILIES, torch.device("cpu"), steps)


def a_paint_model(folder: Path) -> Bundle:
    """A model that paints nothing of use."""
    network = a_paint_network()
    metadata = {
        "name": folder.name,
        "version": "0.0.1",
        "description": "Untrained.",
        "license": "Apache-2.0",
        "network": network.config.to_dict(),
        "working_spacing": 1.0,
        "region": "volume",
        "modality_families": list(FAMILIES),
        LESION_KINDS: list(KINDS),
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""}
        ],
        "lesion": {},
        "training_data": "random numbers",
        "limits": ["untrained"],
    }
    return save_bundle(folder, metadata, network.state_dict())


def a_pair() -> dict[str, Volume]:
    """A ball of tissue in air: a CT with slices of 3 mm, and an MRI whose rows run from left to right."""
    flipped = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    return {
        "CT": _ball(Grid((60, 60, 20), (1.0, 1.0, 3.0), (-30.0, -30.0, -30.0)), -1000, 30, 3),
        "T1": _ball(Grid((58, 60, 50), (1.0, 1.0, 1.1), (30.0, -30.0, -28.0), flipped), 0, 600, 20),
    }


def _ball(grid: Grid, outside: float, inside: float, noise: float) -> Volume:
    k, j, i = np.indices(grid.shape)
    ball = np.linalg.norm(grid.points(np.stack([i, j, k], -1)), axis=-1) < 26
    array = np.where(ball, inside, outside) + np.random.default_rng(0).normal(0, noise, grid.shape) * ball
    return Volume(array.astype(np.float32), grid)
