"""Occlusion: how much the score falls when a cube of the images is blurred away."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor

from .gradcam import Attribution, Report
from .subject import Place, Subject
from .targets import Target

MOST_CUBES = 64
"""Each takes a pass through the network."""

REACH_MM = 18.0
"""Cubes are tried up to so far around the target."""

LEAST_EDGE_MM = 6.0


@torch.no_grad()
def occlusion(
    subject: Subject,
    target: Target,
    baseline: Tensor,
    *,
    most: int = MOST_CUBES,
    report: Report = lambda done: None,
) -> Attribution:
    """Blur one cube after the other, in all modalities at once, and see how far the target's score falls.

    Args:
        subject: the network and the case.
        target: what is explained.
        baseline: (M, D, H, W) what a cube is replaced by.
        most: number of cubes; their edge follows from it.
        report: told after each cube.

    Returns:
        The fall of the score in each cube, below 0 where it rises, 0 outside the reach around the target.

    Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2.
    """
    fall = torch.zeros(subject.images.shape[1:])
    before = score(subject, target)
    places = cubes(subject, target, most)
    for n, place in enumerate(places):
        images = subject.images.clone()
        images[(slice(None), *place)] = baseline[(slice(None), *place)]
        fall[place] = before - score(subject.with_images(images), target)
        report((n + 1) / len(places))
    return Attribution(fall)


@torch.no_grad()
def score(subject: Subject, target: Target) -> float:
    """The sum of the target's logits over its region."""
    parts = (target.score(subject.answer(t), t) for t in subject.tiles if target.within(t) is not None)
    return sum(float(part) for part in parts if part is not None)


def cubes(subject: Subject, target: Target, most: int) -> list[Place]:
    """Equal cubes that fill the box of the target and its surroundings, at most so many."""
    reach = [math.ceil(REACH_MM / s) for s in subject.spacing]
    ends = [
        (max(0, b.start - r), min(n, b.stop + r)) for b, r, n in zip(target.box, reach, target.mask.shape, strict=True)
    ]
    edge = LEAST_EDGE_MM
    while True:
        steps = [max(1, round(edge / s)) for s in subject.spacing]
        starts = [range(low, high, step) for (low, high), step in zip(ends, steps, strict=True)]
        if math.prod(map(len, starts)) <= most:
            break
        edge *= 1.1
    found = []
    for corner in product(*starts):
        k, j, i = (slice(c, min(c + step, high)) for c, step, (_, high) in zip(corner, steps, ends, strict=True))
        found.append((k, j, i))
    return found
