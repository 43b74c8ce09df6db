"""The rows of the ablation: what each leaves out of the full method, and the networks that it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablation_sets import AblationSet

from MultimodalSegLib.losses.schedule import HEAD_SCHEDULE, LossSchedule
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.plan import Plan, Stage

FULL, STUDENT = "full", "student"
BASELINE_STRIDE = 32
"""Sides of 32 voxels or their multiples suit every baseline."""


@dataclass(frozen=True)
class Variant:
    """One row.

    Args:
        title: what is read in the table.
        network: as a plan names it.
        reweighting: gradients of the modalities are balanced.
        boundary: the boundary loss counts.
        topology: the topology loss counts.
        distilled: learns from the full method's run of the same seed beside the labels.
        pairs_only: with one modality it is the full method itself, so that it is run on pairs alone.
        against: the row that it is compared with.
    """

    title: str
    network: str | Mapping[str, Any] = "teacher"
    reweighting: bool = True
    boundary: bool = True
    topology: bool = True
    distilled: bool = False
    pairs_only: bool = False
    against: str = FULL


def baseline(title: str, kind: str) -> Variant:
    """A published network with early fusion, trained with the same losses."""
    return Variant(title, {"kind": kind, "stride": BASELINE_STRIDE}, reweighting=False)


VARIANTS: dict[str, Variant] = {
    FULL: Variant("full method"),
    "no-cross-scale": Variant("no cross-scale attention", "no-cross-scale"),
    "mean-fusion": Variant("mean fusion", "mean-fusion", pairs_only=True),
    "no-deformable": Variant("no deformable attention", "no-deformable"),
    "no-reweighting": Variant("no gradient reweighting", reweighting=False, pairs_only=True),
    "no-boundary": Variant("no boundary loss", boundary=False),
    "no-topology": Variant("no topology loss", topology=False),
    "no-grouping": Variant("no grouping", "no-grouping", pairs_only=True),
    "unet": baseline("U-Net", "unet"),
    "resnet50": baseline("ResNet-50", "resnet50"),
    "transunet": baseline("TransUNet", "transunet"),
    "efficientnet-b7": baseline("EfficientNet-B7", "efficientnet-b7"),
    "dynunet": baseline("DynUNet", "dynunet"),
    "no-distillation": Variant("student, no distillation", "student", against=STUDENT),
    STUDENT: Variant("student, distilled from the full method", "student", distilled=True),
}
"""Distilled ones last: their teacher is trained before."""


def a_plan(variant: Variant, chosen: AblationSet, steps: int, seed: int, *, cache: Path, teacher: str = "") -> Plan:
    """The plan of one run; all runs of a set see the same crops in the same order for a seed.

    Args:
        variant: what is left out.
        chosen: the data, with the size of a step.
        steps: of the run.
        seed: of weights and samples.
        cache: folder of prepared cases, shared by the runs.
        teacher: folder of the model to learn from, if the variant is distilled.
    """
    return Plan(
        name="model",
        data=str(chosen.training),
        held_out=(),
        cache=str(cache),
        registration="none",
        augmentation=Augmentation(mirror_chance=chosen.mirror_chance),
        network=variant.network,
        distillation=Distillation(teacher) if variant.distilled else Distillation(),
        stages=(Stage(1.0, chosen.spacing, (chosen.crop,), (1.0,)),),
        batch=chosen.batch,
        steps=steps,
        warm_up_steps=steps // 10,
        ema_decay=0.99,
        losses=schedule(variant),
        topology=chosen.topology if variant.topology else (),
        reweighting=variant.reweighting,
        validation_steps=steps,
        checkpoint_steps=100,
        workers=0,
        seed=seed,
    )


def schedule(variant: Variant) -> LossSchedule:
    """The usual weights without what the variant leaves out."""
    off = ({} if variant.boundary else {"beta": 0.0}) | ({} if variant.topology else {"gamma": 0.0})
    return LossSchedule(tuple((place, replace(weights, **off)) for place, weights in HEAD_SCHEDULE.points))
