"""A network whose weights are set by hand, so that it is known what it finds: where the image is brighter than."""

from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.build import build_network
from Testing.points import points_of

LIFT = 2.0
"""Added to normalized intensities: what is positive passes the network's rectifiers unchanged."""
GAIN = 4.0
VALUES = (7, 1200)


def threshold_state(network: torch.nn.Module, thresholds: tuple[float, ...]) -> dict[str, torch.Tensor]:
    """Weights with which a plain network without side and lesion finds class n where its input is above threshold n.

    The input goes through the finest scale alone: residual branches are zero, shortcuts pass it on. Several modalities
    are averaged.
    """
    state = {name: torch.zeros_like(weight) for name, weight in network.state_dict().items()}
    for sub in range(8):  # the eight voxels of a cube are channels at half resolution
        state["stem.weight"][sub, sub, 1, 1, 1] = 1.0
        width = state["decode.0.shortcut.weight"].shape[0]
        state["decode.0.shortcut.weight"][sub, width + sub] = 1.0  # behind what comes from the coarser scale
        for n in range(len(thresholds)):
            state["head.weight"][8 * (n + 1) + sub, sub] = GAIN * (n + 1)
            state["head.bias"][8 * (n + 1) + sub] = -GAIN * (sum(thresholds[: n + 1]) + (n + 1) * LIFT)
    state["stem.bias"][:] = LIFT
    return state


def threshold_model(
    folder: Path, families: list[str], thresholds: tuple[float, ...] = (0.0,), **more: object
) -> Bundle:
    """A bundle of such a network.

    Args:
        folder: to write.
        families: of modalities.
        thresholds: of the classes, normalized intensities, rising.
        more: entries of the metadata.
    """
    classes = len(thresholds) + 1
    config = {"kind": "fusion", "families": len(families), "classes": classes, "widths": [8, 8], "stride": 4}
    config |= {"side": False, "lesion": False}
    look = {"color": [200, 120, 40], "terminology": "", "group": "organ"}
    metadata = {
        "name": folder.name,
        "version": "1",
        "description": "Finds what is bright.",
        "license": "Apache-2.0",
        "network": config,
        "working_spacing": 2.0,
        "modality_families": families,
        "network_classes": [
            {"name": "background", "value": 0, "color": [0, 0, 0]},
            *({"name": f"organ {n + 1}", "value": VALUES[n], **look} for n in range(len(thresholds))),
        ],
        "lesion": {},
        "training_data": "none",
        "limits": "everything",
    } | more
    network = build_network(config)
    return save_bundle(folder, metadata, threshold_state(network, thresholds), dtype="float32")


def distance(grid: Grid, center: tuple[float, float, float], radius: float) -> np.ndarray:
    """Distance (k, j, i) of each voxel from the surface of a sphere, mm, negative inside."""
    away: np.ndarray = np.linalg.norm(points_of(grid) - np.asarray(center), axis=-1) - radius
    return away


def a_sphere(grid: Grid, center: tuple[float, float, float], radius: float, inside: float, outside: float) -> Volume:
    """A sphere whose surface is blurred over 2 mm, with a little noise: a constant would be taken for blanked."""
    share = np.clip(0.5 - distance(grid, center, radius) / 2, 0, 1)
    noise = np.random.default_rng(0).normal(0, abs(inside - outside) / 100, grid.shape)
    return Volume((outside + (inside - outside) * share + noise).astype(np.float32), grid)
