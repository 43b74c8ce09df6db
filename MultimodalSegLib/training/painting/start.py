"""From a plan to a run of a model that paints and is ready to go, and from its state to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...models.bundle import Bundle
from ...models.save import save_bundle
from ...notice import RESEARCH_USE
from ...painting.load import LESION_KINDS
from ...synthesis.lesion_looks import KINDS
from ..checkpoint import LAST, read_state
from ..samples import FAMILIES
from ..source import label_maps
from ..volume_loop import KEYS
from .loop import PaintTrainer
from .plan import PaintPlan, RealLesion
from .scenes import load_real


def prepare(plan: PaintPlan, out: Path) -> PaintTrainer:
    """Find label maps and real lesions, make a new network, and take up the state that ``out`` may hold.

    Raises:
        InputError: no label maps, a real lesion that cannot be read, or a damaged state.
    """
    training, held_out = label_maps(Path(plan.labels), plan.held_out)
    for text in plan.real:  # in vain rather now than after an hour
        load_real(text)
    return PaintTrainer(plan, training, held_out, out)


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
    return save_bundle(path, _metadata(PaintPlan.from_dict(state["plan"]), state), state["average"])


def _metadata(plan: PaintPlan, state: dict[str, Any]) -> dict[str, Any]:
    """What the bundle says of itself."""
    entries = [RealLesion.parse(text) for text in plan.real]
    named = ", ".join(f"{entry.mask.parent.name}/{entry.mask.name} ({entry.kind})" for entry in entries)
    terms = ["Share it only if the terms of the real images allow that."] if entries else []
    return {
        "name": plan.name,
        "version": plan.version,
        "description": "Paints lesions of a told kind, place and size into CT and MRI (rectified flow).",
        "license": "the terms of the real images that it learned from" if entries else "Apache-2.0",
        "network": state["config"],
        "working_spacing": 1.0,
        "region": "volume",
        "modality_families": list(FAMILIES),
        LESION_KINDS: list(KINDS),
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
        ],
        "lesion": {},
        "training_data": "Lesions of made-up CT and MRI images of whole-head label maps (SynthSeg training_label_maps, "
        "Apache-2.0; Billot et al., Med Image Anal 86:102789, 2023)"
        + (f" and real lesions with the masks {named}." if named else "."),
        "limits": [
            RESEARCH_USE,
            "The lesions are painted: no patient has them. They are for training and tests.",
            "Kinds of lesion look as in the training data; swelling and displaced tissue are not painted.",
            *terms,
        ],
        "training": {
            "volumes": state["step"],
            "updates": state["updates"],
            "minutes": round(state["seconds"] / 60, 1),
            "held_out": list(plan.held_out),
            "real_share": plan.real_share if entries else 0.0,
            "seed": plan.seed,
            "scores": state["scores"],
        },
    }
