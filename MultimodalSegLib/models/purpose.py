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
    """

    task: str
    does: str
    command: str


CLICKS, DETAIL, PAINT = "click", "detail", "paint"
"""Kinds of networks, as bundles name them."""

PURPOSES = {
    CLICKS: Purpose("answer clicks", "answers clicks", "refine"),
    DETAIL: Purpose("add detail", "adds detail", "enhance"),
    PAINT: Purpose("paint lesions", "paints lesions", "paint"),
}
