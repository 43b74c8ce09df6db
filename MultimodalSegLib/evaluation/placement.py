"""Do files lie in the same place of the patient? A resampled file that does not would pass for an empty one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..images.grid import same_grid
from ..images.io import read_labels
from ..images.resample import labelled_inside
from ..images.volume import Volume
from .cases import EvaluationCase
from .matching import Contents


def check_placement(case: EvaluationCase, known: Mapping[Path, Contents], probability: Volume | None) -> None:
    """Compare where the prediction, the other raters and the probability map lie with the first reference.

    Args:
        case: the files.
        known: contents of its label maps; those on the grid of the reference are not read again.
        probability: its map, if it has one.

    Raises:
        InputError: two images do not overlap, or all labels of the reference lie outside an image that holds some.
    """
    first = case.references[0]
    wanted = known[first].grid
    titles = ("prediction", *(f"map of rater {number}" for number in range(2, len(case.references) + 1)))
    for title, path in zip(titles, (case.prediction, *case.references[1:]), strict=True):
        grid = known[path].grid
        if grid is None or wanted is None or not same_grid(grid, wanted):
            _check(title, read_labels(path), read_labels(first))
    if probability and (wanted is None or not same_grid(probability.grid, wanted)):
        _check("probability map", probability, read_labels(first))


def outside_sentences(case: str, title: str, other: Volume, true: Volume) -> Iterator[str]:
    """Sentences about labels that another image does not reach.

    Args:
        case: name.
        title: what the other is, such as ``"prediction"``.
        other: a label map on another grid than the reference, or a map of probabilities.
        true: the reference's structures, above 0.
    """
    if (share := 1 - labelled_inside(true, other.grid)) > 0:
        yield f"{case}: {_percent(share)} of the reference lie outside the image of the {title} and count as missed."
    integer = np.issubdtype(other.array.dtype, np.integer)
    if integer and (share := 1 - labelled_inside(other, true.grid)) > 0:
        yield f"{case}: {_percent(share)} of the {title} lie outside the image of the reference and do not count."


def _check(title: str, other: Volume, reference: Volume) -> None:
    both = reference.array.any() and other.array.any()
    asked = reference if both else reference.with_array(np.ones(reference.grid.shape, np.uint8))
    if labelled_inside(asked, other.grid) == 0:
        raise InputError(
            f"The {title} and the reference lie in different places.",
            "Check that they belong together and that their headers are right.",
        )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"
