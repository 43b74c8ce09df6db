"""A head of ellipsoids that is known at every point in space, and a small network that has learned it by heart."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.normalization import usual_normalization
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.head_box import head_box
from MultimodalSegLib.inference.prepare import network_images
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.registration.aligned import AlignedCase
from Testing.points import points_of

LEFT, RIGHT, BRAIN, BONE, LESION = 10, 49, 3, 515, 600


def ball(points, center, radii):
    return (((points - np.asarray(center)) / np.asarray(radii)) ** 2).sum(-1) < 1


@dataclass(frozen=True)
class Phantom:
    """A bright left and a dark right ball in a brain in a skull; left is +x. Millimetres, LPS, around the origin."""

    def labels(self, grid):
        p = points_of(grid)
        labels = np.zeros(grid.shape, np.uint16)
        labels[ball(p, (0, 0, 0), (62, 74, 66))] = BONE
        labels[ball(p, (0, 0, 0), (52, 64, 56))] = BRAIN
        labels[ball(p, (26, 0, 0), (20, 36, 30))] = LEFT
        labels[ball(p, (-26, 0, 0), (20, 36, 30))] = RIGHT
        return Volume(labels, grid)

    def volume(self, grid, modality):
        values = {
            "CT": {0: -1000, BONE: 800, BRAIN: 35, LEFT: 75, RIGHT: 5},
            "MR": {0: 0, BONE: 250, BRAIN: 500, LEFT: 900, RIGHT: 100},
        }["CT" if modality == "CT" else "MR"]
        labels = self.labels(grid).array
        array = np.zeros(grid.shape, np.float32)
        for label, value in values.items():
            array[labels == label] = value
        noise = np.random.default_rng(0).normal(0, 3, grid.shape)
        return Volume((array + noise).astype(np.float32), grid)

    def case(self, grid, *modalities):
        return AlignedCase({m: self.volume(grid, m) for m in modalities}, modalities[0])


def grid_around_origin(size, spacing, direction=None, shift=(0.0, 0.0, 0.0)):
    """A grid whose middle is at ``shift``."""
    matrix = np.eye(3) if direction is None else np.asarray(direction, float)
    half = (np.asarray(size) - 1) / 2 * np.asarray(spacing)
    origin = np.asarray(shift) - matrix @ half
    return Grid(tuple(size), tuple(map(float, spacing)), tuple(origin.tolist()), tuple(matrix.ravel().tolist()))


CANONICAL = grid_around_origin((50, 54, 50), (3.0, 3.0, 3.0))
NETWORK = {"kind": "fusion", "families": 2, "classes": 4, "widths": [8, 8, 8], "stride": 8}


def metadata_of_the_phantom():
    def entry(value, **more):
        return {"value": value, "color": [value % 256, 100, 100], "terminology": ""} | more

    return {
        "name": "phantom",
        "version": "1",
        "description": "Knows one phantom.",
        "license": "Apache-2.0",
        "network": NETWORK,
        "working_spacing": 4.0,
        "modality_families": ["CT", "MR"],
        "network_classes": [
            entry(0, name="background", group="background"),
            {"name": "thalamus", "group": "brain", "left": entry(LEFT), "right": entry(RIGHT)},
            entry(BRAIN, name="brain", group="brain"),
            entry(BONE, name="skull", group="bone"),
        ],
        "lesion": entry(LESION, name="lesion", group="lesion"),
        "training_data": "one phantom",
        "limits": "everything else",
    }


def learn_by_heart(network, phantom, steps=75):
    """Overfit to the phantom as CT alone, MR alone and both."""
    case = phantom.case(CANONICAL, "CT", "MR")
    grid = head_box(case.volumes).grid(4.0, NETWORK["stride"])
    images, _, _ = network_images(case.volumes, grid, usual_normalization, lambda done, message: None)
    labels = torch.from_numpy(phantom.labels(grid).array.astype(np.int64))
    target = torch.zeros_like(labels)
    for channel, values in enumerate(((0,), (LEFT, RIGHT), (BRAIN,), (BONE,))):
        for value in values:
            target[labels == value] = channel
    sided = (labels == LEFT) | (labels == RIGHT)
    weight = torch.tensor([1.0, 3.0, 1.0, 1.0])
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, total_steps=steps)
    for step in range(steps):
        chosen = ([0], [1], [0, 1])[step % 3]
        out = network(images[None, chosen], torch.ones(1, len(chosen), dtype=torch.bool), torch.tensor([chosen]))
        loss = torch.nn.functional.cross_entropy(out.structures, target[None], weight=weight)
        side = out.side[0, 0][sided]
        loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(side, (labels[sided] == LEFT).float())
        loss = (
            loss + torch.nn.functional.softplus(out.lesion).mean() + torch.nn.functional.softplus(out.presence).mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@pytest.fixture(scope="session")
def phantom():
    return Phantom()


@pytest.fixture(scope="session")
def a_trained_model(tmp_path_factory, phantom):
    """A bundle that segments the phantom."""
    torch.manual_seed(0)
    network = build_network(NETWORK).train()
    learn_by_heart(network, phantom)
    folder = tmp_path_factory.mktemp("models") / "phantom"
    return save_bundle(folder, metadata_of_the_phantom(), network.state_dict())


@pytest.fixture(scope="session")
def a_random_model(tmp_path_factory):
    """A bundle with random weights: every class somewhere, lesions too."""
    torch.manual_seed(3)
    network = build_network(NETWORK)
    folder = tmp_path_factory.mktemp("models") / "random"
    return save_bundle(folder, metadata_of_the_phantom() | {"name": "random"}, network.state_dict())
