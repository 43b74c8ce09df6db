"""What can be seen to be wrong with one label map: its grid, its values, its sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...images.grid import Grid, same_grid
from ...images.resample import labelled_inside
from ...images.volume import Volume
from .classes import LabelClass
from .problems import Problem, error, warning

MOST_NAMED = 5


def check_label(
    case: str, label: Volume, reference: Volume, classes: Sequence[LabelClass], ignored: Sequence[int]
) -> Iterator[Problem]:
    """Everything about one label map.

    Args:
        case: the case's name.
        label: the label map.
        reference: the image on which it was drawn.
        classes: of the data set.
        ignored: values that are no class and are allowed.
    """
    yield from _check_grid(case, label, reference.grid)
    values, counts = np.unique(label.array, return_counts=True)
    held = {int(value): int(count) for value, count in zip(values, counts, strict=True) if value != 0}
    if not held:
        yield warning(case, "The label is empty.", "Check that there is nothing to find, or draw it.")
        return
    known = {value for entry in classes for value in entry.values} | set(ignored)
    strange = [value for value in held if value not in known]
    if strange:
        listed = ", ".join(f"{value} ({held[value]} voxels)" for value in strange[:MOST_NAMED])
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        yield error(
            case,
            f"The label holds values that are no class: {listed}{more}.",
            f"Correct the label, or add them to the classes ({', '.join(map(str, sorted(known)))}).",
        )
    yield from _check_sides(case, label, classes, held)


def _check_grid(case: str, label: Volume, grid: Grid) -> Iterator[Problem]:
    if same_grid(label.grid, grid):
        return
    share = labelled_inside(label, grid)
    if label.grid.size == grid.size:
        text = "The label has as many voxels as its image but another origin, spacing or direction."
        yield error(case, text, "Find out which header is right, and copy it to the other file.")
    elif share < 0.99:
        text = f"Only {100 * share:.0f} % of what is labelled lies in the image."
        yield error(case, text, "Check that image and label belong together.")
    else:
        text = "The label has another grid than its image; it will be sampled on the image's space."
        yield warning(case, text, "Check in Slicer that both fit.")


def _check_sides(case: str, label: Volume, classes: Sequence[LabelClass], held: dict[int, int]) -> Iterator[Problem]:
    """A left structure that lies on the right of its partner. LPS: x grows to the patient's left."""
    for entry in classes:
        if entry.left in held and entry.right in held:
            left, right = (_center_x(label, value) for value in (entry.left, entry.right) if value is not None)
            if left < right:
                yield error(
                    case,
                    f"The left {entry.name} ({entry.left}) lies {right - left:.0f} mm to the right of the right one.",
                    "The image may be mirrored, or the two labels exchanged: look at it in Slicer.",
                )


def _center_x(label: Volume, value: int) -> float:
    """Mean x of a label value, LPS mm."""
    middle = np.argwhere(label.array == value).mean(0)[::-1]
    return float(label.grid.affine[0, :3] @ middle + label.grid.affine[0, 3])
