"""A click model whose weights are set by hand: an object is what looks like the prompt and is near to it."""

from pathlib import Path

import torch

from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.click_net import ClickConfig, ClickNet
from MultimodalSegLib.networks.config import NetworkConfig

TRUNK = NetworkConfig(2, 2, widths=(8, 8), side=False, lesion=False)


def alike_and_near(network: ClickNet) -> None:
    """Set the head to: logit = 24 * alike + 4 * far disc - 16 * narrow negative disc - 21.5.

    Alike is 1 minus the difference of the intensities, where it is smallest among the modalities.
    """
    head = network.head
    stem, width = network.config.stem, network.config.widths[0]
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
        for sub in range(8):  # the eight voxels of a cube are channels at half resolution
            head.look.weight[sub, 8 * 1 + sub] = -1.0
            head.look.bias[sub] = 1.0
            head.join.weight[sub, stem + sub] = 1.0  # the maximum over the modalities
            head.say.weight[sub, 8 * 1 + sub] = 1.0
            head.say.weight[sub, 8 * 2 + sub] = -4.0
            head.say.bias[sub] = 4.0
            head.decode[0].shortcut.weight[sub, width + sub] = 1.0
            head.head.weight[sub, sub] = 24.0
            head.head.weight[sub, width + sub] = 4.0
            head.head.bias[sub] = -21.5 - 4 * 4.0


def a_click_model(folder: Path, spacing: float = 4.0) -> Bundle:
    """A bundle of such a network."""
    trunk = NetworkConfig.from_dict({**TRUNK.to_dict(), "spacing": [spacing] * 3})
    torch.manual_seed(0)
    network = ClickNet(ClickConfig(trunk, (8, 8), 8))
    alike_and_near(network)
    look = {"color": [230, 159, 0], "terminology": "", "group": "object"}
    metadata = {
        "name": folder.name,
        "version": "1",
        "description": "Finds what looks like the prompt.",
        "license": "Apache-2.0",
        "network": network.config.to_dict(),
        "working_spacing": spacing,
        "modality_families": ["CT", "MR"],
        "network_classes": [{"name": "background", "value": 0, "color": [0, 0, 0]}, {"name": "it", "value": 1, **look}],
        "lesion": {},
        "training_data": "none",
        "limits": "everything",
    }
    return save_bundle(folder, metadata, network.state_dict(), dtype="float32")
