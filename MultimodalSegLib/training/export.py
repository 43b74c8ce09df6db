"""From the state of a training run to a model bundle that can be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..models.bundle import Bundle
from ..models.save import save_bundle
from ..notice import RESEARCH_USE
from ..synthesis.anatomy import head_classes
from .loop import network_config
from .plan import Plan, Stage
from .samples import FAMILIES

DESCRIPTION = "Structures of the head and lesions of the brain from CT, from MRI of any contrast, or from both."
TRAINING_DATA = (
    "Made-up CT and MRI images of whole-head label maps (SynthSeg training_label_maps, Apache-2.0; Billot et al., "
    "Med Image Anal 86:102789, 2023). No real image was used."
)
LIMITS = (
    RESEARCH_USE,
    "Trained on made-up images alone; real pathology, implants, strong motion and children were not seen.",
    "Lesions are found unreliably: a missing lesion in the result means nothing.",
    "Bone from MRI alone is a guess.",
)


def load_state(path: Path) -> dict[str, Any]:
    """Read ``state.pt`` of a training run.

    Raises:
        InputError: there is none, or it is not one.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.", "Give the folder of a training run.") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path} is not the state of a training run.", "Train again, or copy the file again."
        ) from error
    return state


def export(run: Path, path: Path, *, name: str, version: str) -> Bundle:
    """Write the averaged weights of a training run as a bundle.

    Args:
        run: folder of the training run.
        path: folder of the bundle to write.
        name: the model's name.
        version: its version.
    """
    state = load_state(run / "state.pt")
    given = dict(state["plan"])
    stages = tuple(
        Stage(s["until"], s["spacing"], tuple(map(tuple, s["sizes"])), tuple(s["chances"])) for s in given["stages"]
    )
    plan = Plan(**{**given, "stages": stages, "widths": tuple(given["widths"]), "held_out": tuple(given["held_out"])})
    table = head_classes()
    metadata = {
        "name": name,
        "version": version,
        "description": DESCRIPTION,
        "license": "Apache-2.0",
        "network": network_config(plan),
        "working_spacing": plan.stages[-1].spacing,
        "modality_families": list(FAMILIES),
        "network_classes": [{k: v for k, v in entry.items() if k != "labels"} for entry in table["classes"]],
        "lesion": {k: v for k, v in table["lesion"].items() if k != "labels"},
        "lesion_groups": ["brain"],  # where training puts them: not in ventricles, bone or skin
        "training_data": TRAINING_DATA,
        "training": {
            "steps": state["step"],
            "minutes": round(state["seconds"] / 60, 1),
            "held_out": list(plan.held_out),
        },
        "limits": list(LIMITS),
    }
    return save_bundle(path, metadata, state["average"], dtype="float16")
