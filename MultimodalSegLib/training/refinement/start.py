"""From a plan to a run of a click model that is ready to go, and from its state to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...errors import InputError
from ...models.bundle import Bundle, load_bundle
from ...models.save import save_bundle
from ...networks.click_net import ClickConfig, ClickNet
from ...networks.config import NetworkConfig
from ...notice import RESEARCH_USE
from ..checkpoint import LAST, read_state
from ..samples import FAMILIES
from ..source import label_maps
from ..volume_loop import KEYS
from .loop import ClickTrainer
from .plan import ClickPlan


def prepare(plan: ClickPlan, out: Path) -> ClickTrainer:
    """Load the trunk, make a new head, and take up the state that ``out`` may hold.

    Raises:
        InputError: no label maps, a trunk that is no fusion network, or a damaged state.
        ModelError: the trunk cannot be loaded.
    """
    trunk = load_bundle(plan.trunk)
    if trunk.metadata["network"]["kind"] != "fusion" or tuple(trunk.metadata["modality_families"]) != FAMILIES:
        raise InputError(
            f"The model {trunk.name!r} has no features of {' and '.join(FAMILIES)}.",
            "Give a fusion network of the head as 'trunk'.",
        )
    torch.manual_seed(plan.seed)
    network = ClickNet(ClickConfig(NetworkConfig.from_dict(trunk.metadata["network"]), plan.widths))
    network.trunk.load_state_dict(trunk.network().state_dict())
    training, held_out = label_maps(Path(plan.labels), plan.held_out)
    return ClickTrainer(plan, network, training, held_out, out)


def export(run: Path, path: Path) -> Bundle:
    """Write trunk and averaged head of a run as one bundle.

    Args:
        run: folder of the run.
        path: folder of the bundle to write.

    Raises:
        InputError: the run holds no state.
        ModelError: the trunk of the run is not here anymore.
        OutputError: ``path`` cannot be written.
    """
    state = read_state(run / LAST, KEYS)
    plan = ClickPlan.from_dict(state["plan"])
    trunk = load_bundle(plan.trunk)
    network = ClickNet(ClickConfig.from_dict(state["config"]))
    network.trunk.load_state_dict(trunk.network().state_dict())
    network.head.load_state_dict(state["average"])
    return save_bundle(path, _metadata(plan, trunk, state), network.state_dict())


def _metadata(plan: ClickPlan, trunk: Bundle, state: dict[str, Any]) -> dict[str, Any]:
    """What the bundle says of itself."""
    return {
        "name": plan.name,
        "version": plan.version,
        "description": "Corrects a segment, or makes a new one, from points, scribbles or a box in CT, in MRI of any "
        "contrast, or in both.",
        "license": trunk.metadata["license"],
        "network": state["config"],
        "working_spacing": trunk.metadata["working_spacing"],
        "modality_families": trunk.metadata["modality_families"],
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
            {"name": "object", "group": "object", "value": 1, "color": [230, 159, 0], "terminology": ""},
        ],
        "lesion": {},
        "training_data": trunk.metadata["training_data"],
        "limits": [
            RESEARCH_USE,
            "Trained on made-up images alone with simulated clicks; no person's clicks were seen.",
            "What is much smaller than 3 mm is not resolved.",
        ],
        "trunk": {"name": trunk.name, "version": trunk.version, "checksum": trunk.checksum},
        "training": {
            "volumes": state["step"],
            "updates": state["updates"],
            "minutes": round(state["seconds"] / 60, 1),
            "held_out": list(plan.held_out),
            "seed": plan.seed,
            "dice": state["scores"],
        },
    }
