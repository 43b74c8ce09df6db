"""The learning rate over a run."""

from __future__ import annotations

import math

from .plan import Plan

LEAST = 0.01
"""The rate at the end, as part of the peak."""


def learning_rate(plan: Plan, step: int) -> float:
    """Warm-up on a straight line, then half a cosine (Loshchilov and Hutter, ICLR 2017).

    Args:
        plan: peak, warm-up and steps.
        step: from 0.

    Example:
        >>> plan = Plan(steps=1000, warm_up_steps=100, learning_rate=1.0)
        >>> [round(learning_rate(plan, step), 2) for step in (0, 49, 99, 550, 999)]
        [0.01, 0.5, 1.0, 0.51, 0.01]
    """
    if step < plan.warm_up_steps:
        return plan.learning_rate * (step + 1) / plan.warm_up_steps
    over = (step - plan.warm_up_steps) / max(1, plan.steps - plan.warm_up_steps)
    return plan.learning_rate * (LEAST + (1 - LEAST) * 0.5 * (1 + math.cos(math.pi * over)))
