"""The reliability plot: how often answers are right, by how sure they are (DeGroot and Fienberg 1983)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .calibration import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73")
"""Okabe and Ito's, which the colour-blind can tell apart."""

MARKERS = ("o", "s", "^")


def write_reliability(curves: Mapping[str, Reliability], path: Path | IO[bytes], title: str) -> None:
    """Draw one curve for each calibration, over the share of answers in each bin, into a PNG file.

    Args:
        curves: by name, such as ``"before"`` and ``"after"``, at most three.
        path: PNG file to write; the text alternative is in it as ``Description``.
        title: what is calibrated.
    """
    metadata = {"Description": reliability_text(curves, title)}
    reliability_figure(curves, title).savefig(path, metadata=metadata)


def reliability_figure(curves: Mapping[str, Reliability], title: str) -> Figure:
    """The plot of :func:`write_reliability`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5.6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot([0, 1], [0, 1], color="#777777", linewidth=1, label="as sure as right")
    for n, (name, curve) in enumerate(curves.items()):
        filled = curve.count > 0
        text = f"{name}: expected error {100 * curve.error:.1f} %"
        x, y = curve.confidence[filled], curve.accuracy[filled]
        above.plot(x, y, marker=MARKERS[n], color=COLORS[n], markersize=4, linewidth=1.4, label=text)
        share, bins = curve.count / max(1, curve.count.sum()), len(curve.count)
        step = 0.8 / len(curves) / bins
        offset = (n - (len(curves) - 1) / 2) * step
        below.bar([(m + 0.5) / bins + offset for m in range(bins)], share, width=0.95 * step, color=COLORS[n])
    above.set(title=title, ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    above.legend(loc="upper left", fontsize=8)
    above.grid(alpha=0.3)
    below.set(xlabel="probability that was given", ylabel="share of answers", yscale="log")
    below.grid(alpha=0.3, axis="y")
    return figure


def reliability_text(curves: Mapping[str, Reliability], title: str) -> str:
    """The plot in words, for those who do not see it."""
    errors = ", ".join(f"{name} {100 * curve.error:.1f} %" for name, curve in curves.items())
    return f"Reliability plot. {title}. Expected calibration error: {errors}."
