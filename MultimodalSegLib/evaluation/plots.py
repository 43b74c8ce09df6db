"""Plots of an evaluation as PNG pictures with a text for those who cannot see them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..inference.uncertainty.calibration import Reliability
from ..report.document.content import Picture
from .measures import MEASURES, Measure
from .presence import roc_points
from .score import CaseScore
from .summary import MEAN, Comparison, Stratum, Summary, patient_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito 2008: told apart with every kind of color vision."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_ROWS = 40
DPI = 110
WIDTH = 10.0
"""Inches."""


def measure_plot(
    parts: Mapping[Stratum, Sequence[CaseScore]],
    summaries: Mapping[Stratum, Mapping[tuple[str, str], Summary]],
    name: str,
) -> Picture:
    """A measure by structure: every patient as a point, the mean with its interval in front.

    Args:
        parts: scores by stratum; each has a color and a marker.
        summaries: of the same strata.
        name: of the measure.
    """
    measure = MEASURES[name]
    structures = shown_structures(next(iter(summaries.values())), name)
    height = 1.1 + max(0.34, 0.2 * len(parts)) * len(structures)
    figure, axes = _figure(height)
    for n, (stratum, scores) in enumerate(parts.items()):
        shift = (n - (len(parts) - 1) / 2) * 0.7 / len(parts)
        color, marker = COLORS[n % len(COLORS)], MARKERS[n % len(MARKERS)]
        for row, structure in enumerate(structures):
            values = np.array(list(patient_values(scores, structure, name).values()))
            spread = np.random.default_rng(row).uniform(-0.25, 0.25, len(values)) / len(parts)
            axes.plot(values, row + shift + spread, marker, color=color, alpha=0.35, markersize=3, markeredgewidth=0)
            mean = summaries[stratum][structure, name].mean
            ends = [] if math.isnan(mean.low) else [[mean.mean - mean.low], [mean.high - mean.mean]]
            axes.errorbar(
                mean.mean, row + shift, xerr=ends or None, fmt=marker, color=color, markeredgecolor="white",
                markersize=7, capsize=3, linewidth=1.6, label=stratum.title if row == 0 else None,
            )  # fmt: skip
    axes.set_yticks(range(len(structures)), structures)
    axes.set_ylim(len(structures) - 0.5, -0.5)
    axes.set_xlabel(f"{measure.heading}; small: patients, large: mean and interval")
    _legend(figure, axes, len(parts))
    texts = [
        f"{stratum.title}: "
        + ", ".join(f"{s} {measure.text(summaries[stratum][s, name].mean.mean)}" for s in structures)
        for stratum in parts
    ]
    return _picture(figure, f"{measure.heading} by structure, mean over patients. {'; '.join(texts)}.")


def shown_structures(summaries: Mapping[tuple[str, str], Summary], name: str) -> list[str]:
    """Structures in their order; of many those with the largest spread from the others' mean are kept.

    The mean of structures is always shown.
    """
    names = [s for s, measure in summaries if measure == name and not math.isnan(summaries[s, name].mean.mean)]
    if len(names) <= MOST_ROWS:
        return names
    middle = float(np.median([summaries[s, name].mean.mean for s in names]))
    far = sorted(names, key=lambda s: (s != MEAN, -abs(summaries[s, name].mean.mean - middle)))[:MOST_ROWS]
    return [s for s in names if s in far]


def volume_plot(parts: Mapping[Stratum, Sequence[CaseScore]], structures: Sequence[str]) -> Picture:
    """Found against true volume of every case, both axes logarithmic above a power of ten that is smaller than all.

    Args:
        parts: scores by stratum.
        structures: which are shown.
    """
    figure, axes = _figure(5.4, 6.0)
    points = {
        stratum: np.array([(s.structures[n].true_ml, s.structures[n].found_ml) for s in scores for n in structures])
        for stratum, scores in parts.items()
    }
    every = np.concatenate(list(points.values()))
    positive = every[every > 0]
    least = 10.0 ** math.floor(math.log10(positive.min())) if len(positive) else 1.0
    for axis in ("x", "y"):
        getattr(axes, f"set_{axis}scale")("symlog", linthresh=least)
    top = float(every.max()) * 1.5 or 1.0
    axes.plot([0, top], [0, top], color="#777777", linewidth=1, label="equal")
    for n, (stratum, pairs) in enumerate(points.items()):
        axes.plot(
            pairs[:, 0], pairs[:, 1], MARKERS[n % len(MARKERS)], color=COLORS[n % len(COLORS)], alpha=0.6, markersize=5,
            label=stratum.title,
        )  # fmt: skip
    axes.set(xlabel="true volume (ml)", ylabel="found volume (ml)", xlim=(-least / 4, top), ylim=(-least / 4, top))
    _legend(figure, axes, 2)
    shares = ", ".join(
        f"{stratum.title}: {pairs[:, 1].sum():.3g} ml found, {pairs[:, 0].sum():.3g} ml true in all"
        for stratum, pairs in points.items()
    )
    return _picture(figure, f"Found against true volume of {_listed(structures)} in every case. {shares}.")


def roc_plot(curves: Mapping[str, tuple[Sequence[float], Sequence[bool]]], areas: Mapping[str, float]) -> Picture:
    """Receiver operating curves of the presence of a lesion.

    Args:
        curves: presence probabilities and whether there is a lesion, by title.
        areas: under the curves.
    """
    figure, axes = _figure(4.6, 4.8)
    axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, linestyle=":")
    for n, (title, pairs) in enumerate(curves.items()):
        false, true = roc_points(*pairs)
        axes.plot(
            false, true, color=COLORS[n % len(COLORS)], marker=MARKERS[n % len(MARKERS)], markersize=3,
            label=f"{title}: AUC {areas[title]:.3f}",
        )  # fmt: skip
    axes.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _legend(figure, axes, 2)
    texts = ", ".join(f"{title} {area:.3f}" for title, area in areas.items())
    return _picture(figure, f"Receiver operating curves of the presence of a lesion. Area under the curve: {texts}.")


def reliability_picture(curves: Mapping[str, Reliability], title: str) -> Picture:
    """How often voxels are lesion, by the probability that was given.

    Args:
        curves: by name, at most three.
        title: what is calibrated.
    """
    from ..inference.uncertainty.reliability_plot import reliability_figure, reliability_text

    return _picture(reliability_figure(curves, title), reliability_text(curves, title))


def difference_plot(comparisons: Sequence[Comparison], title: str) -> Picture:
    """Mean differences of two models with their intervals, by structure.

    Args:
        comparisons: of one pair of models and one measure.
        title: which pair.
    """
    measure: Measure = MEASURES[comparisons[0].measure]
    known = [c for c in comparisons if not math.isnan(c.test.difference.mean)][:MOST_ROWS]
    figure, axes = _figure(1.2 + 0.34 * max(1, len(known)))
    axes.axvline(0, color="#777777", linewidth=1)
    for row, entry in enumerate(known):
        found = entry.test.difference
        ends = [] if math.isnan(found.low) else [[found.mean - found.low], [found.high - found.mean]]
        sure = entry.wilcoxon_holm < 0.05
        axes.errorbar(
            found.mean, row, xerr=ends or None, fmt="o", color=COLORS[0], capsize=3, linewidth=1.6,
            markerfacecolor=COLORS[0] if sure else "white",
        )  # fmt: skip
    axes.set_yticks(range(len(known)), [entry.structure for entry in known])
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.set_xlabel(f"difference in {measure.heading}: {title}\nfilled: Wilcoxon, corrected p < 0.05")
    texts = ", ".join(f"{c.structure} {measure.text(c.test.difference.mean)}" for c in known)
    return _picture(figure, f"Mean difference in {measure.heading}, {title}, with intervals: {texts}.")


def _figure(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.grid(color="0.88", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(figure: Figure, axes: Axes, entries: int) -> None:
    if entries > 1:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)


def _picture(figure: Figure, alt: str) -> Picture:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    stream = io.BytesIO()
    canvas = FigureCanvasAgg(figure)
    canvas.print_png(stream, metadata={"Description": alt})
    return Picture(stream.getvalue(), canvas.get_width_height(), alt)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
