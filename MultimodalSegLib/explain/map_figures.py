"""All that is said of how far one map can be believed, as it is written beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from .baselines import baseline_figures
from .faithfulness import faithfulness
from .gradcam import Attribution
from .methods import CHEAP, attribute
from .randomization import SEEDS, ignores_weights, randomized_likeness
from .subject import Subject
from .targets import Target


def map_figures(
    method: str,
    layer: str,
    subject: Subject,
    target: Target,
    found: Attribution,
    baseline: Tensor,
    *,
    baselines: bool = True,
    report: Callable[[float], None] = lambda done: None,
) -> dict[str, Any]:
    """Faithfulness of a map, the sanity check, and the curves of the baselines.

    The map and each baseline take sixteen passes through the network, stability and the sanity check a map each time;
    methods that need many passes for a map are compared with one network of random weights and not with three.

    Args:
        method: of :data:`~MultimodalSegLib.explain.methods.METHODS`.
        layer: of the method.
        subject: the network and the case.
        target: what is explained.
        found: its map.
        baseline: (M, D, H, W) blurred images.
        baselines: also measure maps that explain nothing.
        report: told the finished fraction.

    Returns:
        What :func:`~MultimodalSegLib.explain.faithfulness.faithfulness` returns; ``likeness_without_weights`` and
        ``ignores_weights``, None where they cannot be told, as of an empty map; ``baselines`` by name.
    """

    def again(other: Subject) -> Attribution:
        return attribute(method, other, [target], layer)[0]

    mapped = 0.45 if baselines else 0.8
    figures = faithfulness(subject, target, found.whole, again, baseline, lambda done: report(mapped * done))
    likenesses: dict[str, float | None] = {"": None}
    if bool(found.whole.any()):
        seeds = SEEDS if method in CHEAP else SEEDS[:1]
        likenesses = randomized_likeness(subject, target, found.signed, again, steps=1, seeds=seeds)
    last = list(likenesses.values())[-1]
    figures["likeness_without_weights"] = None if last is None else round(last, 4)
    figures["ignores_weights"] = ignores_weights(likenesses)
    if baselines:
        figures["baselines"] = baseline_figures(subject, target, baseline, lambda done: report(0.55 + 0.45 * done))
    report(1.0)
    return figures
