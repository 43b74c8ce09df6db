"""From a plan to a run of an enhancement model that is ready to go, and from its state to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...enhancement.flow import WINDOW
from ...enhancement.slices import TRAINED_MM
from ...models.bundle import Bundle
from ...models.save import save_bundle
from ...networks.detail_net import DetailConfig
from ...notice import RESEARCH_USE
from ..checkpoint import LAST, read_state
from ..samples import FAMILIES
from ..source import label_maps
from ..volume_loop import KEYS
from .loop import DetailTrainer
from .plan import DetailPlan


def prepare(plan: DetailPlan, out: Path) -> DetailTrainer:
    """Find the label maps, make a new network, and take up the state that ``out`` may hold.

    Raises:
        InputError: no label maps, or a damaged state.
    """
    training, held_out = label_maps(Path(plan.labels), plan.held_out)
    return DetailTrainer(plan, training, held_out, out)


def export(run: Path, path: Path) -> Bundle:
    """Write the averaged network of a run as a bundle.

    Args:
        run: folder of the run.
        path: folder of the bundle to write.

    Raises:
        InputError: the run holds no state.
        OutputError: ``path`` cannot be written.
    """
    state = read_state(run / LAST, KEYS)
    return save_bundle(path, _metadata(DetailPlan.from_dict(state["plan"]), state), state["average"])


def _metadata(plan: DetailPlan, state: dict[str, Any]) -> dict[str, Any]:
    """What the bundle says of itself."""
    kind = "rectified flow" if DetailConfig.from_dict(state["config"]).is_flow else "regression"
    real = [Path(plan.real_image(text)[1]) for text in plan.images]
    named = ", ".join(f"{path.parent.name}/{path.name}" for path in real)
    return {
        "name": plan.name,
        "version": plan.version,
        "description": "Adds detail to CT and MRI with thick slices; the detail is made up from "
        f"what heads usually look like ({kind}).",
        "license": "Apache-2.0",
        "network": state["config"],
        "working_spacing": 1.0,
        "region": "volume",
        "patch": [WINDOW] * 3,
        "modality_families": list(FAMILIES),
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
        ],
        "lesion": {},
        "training_data": "Made-up CT and MRI images of whole-head label maps (SynthSeg training_label_maps, "
        "Apache-2.0; Billot et al., Med Image Anal 86:102789, 2023)"
        + (f" and the real volumes {named}." if named else "."),
        "limits": [
            RESEARCH_USE,
            "The detail is synthetic: it is likely, not seen. A small lesion may be missing or made up.",
            f"Made for {TRAINED_MM[0]:g} to {TRAINED_MM[1]:g} mm between slices.",
            "Cleaning a noisy CT is experimental: measure what it takes off before you rely on it.",
        ],
        "training": {
            "volumes": state["step"],
            "updates": state["updates"],
            "minutes": round(state["seconds"] / 60, 1),
            "held_out": list(plan.held_out),
            "real_share": plan.real_share if plan.images else 0.0,
            "seed": plan.seed,
            "scores": state["scores"],
        },
    }
