"""What a run does when its memory is not enough."""

from __future__ import annotations

from dataclasses import replace

from .plan import Plan


def smaller(plan: Plan, stride: int) -> tuple[Plan, str] | None:
    """A plan that needs about half the memory, and a sentence that says how; None if there is none.

    Fewer samples at once are preferred, since more parts accumulated make the same step; only then the crops shrink.

    Args:
        plan: the one whose steps do not fit.
        stride: of the network.
    """
    if plan.part > 1:
        parts = 2 if plan.part % 2 == 0 else plan.part
        changed = replace(plan, accumulate=plan.accumulate * parts)
        return changed, f"{changed.part} instead of {plan.part} samples are computed at once; the result is the same."
    stages = tuple(stage.halved(stride) for stage in plan.stages)
    if stages == plan.stages:
        return None
    largest = max(stages[-1].sizes, key=lambda size: size[0] * size[1] * size[2])
    return replace(plan, stages=stages), f"The crops are halved, to at most {' x '.join(map(str, largest))} voxels."
