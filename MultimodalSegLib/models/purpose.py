"""What models are for that do not segment by themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """Of a kind of network.

    Args:
        task: what it can, to be read after "does not".
        does: the same of the model, in the present.
        command: that uses it; the usual model has the same name.
        title: what it is, to be read before "in CT, MR".
        draws: whether it answers with an image instead of labels.
    """

    task: str
    does: str
    command: str
    title: str
    draws: bool = False


CLICKS, DETAIL, PAINT = "click", "detail", "paint"
"""Kinds of networks, as bundles name them."""

PURPOSES = {
    CLICKS: Purpose("answer clicks", "answers clicks", "refine", "Correction of segments by clicks"),
    DETAIL: Purpose("add detail", "adds detail", "enhance", "Likely detail of thick slices", draws=True),
    PAINT: Purpose("paint lesions", "paints lesions", "paint", "Painted lesions", draws=True),
}
