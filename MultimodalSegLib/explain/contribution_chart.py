"""A picture of what each modality adds to the structures and lesions that depend on one of them most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .contributions import Contribution

MOST_BARS = 20
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
"""Okabe and Ito 2008: told apart with every kind of color vision."""
HATCHES = ("", "///", "...", "xxx", "---", "\\\\\\", "ooo")


def chosen(found: Sequence[Contribution]) -> list[Contribution]:
    """Single lesions, largest first, then the structures that lose most without one modality; at most 20."""
    lesions, others = _apart(found)
    others.sort(key=lambda entry: min(entry.without.values()) - entry.score)
    lesions = lesions[: MOST_BARS // 2 if others else MOST_BARS]
    return lesions + others[: MOST_BARS - len(lesions)]


def _apart(found: Sequence[Contribution]) -> tuple[list[Contribution], list[Contribution]]:
    """Single lesions, and structures that are not told one by one."""
    lesions = [entry for entry in found if entry.part.lesion]
    single = {entry.part.value for entry in lesions}
    return lesions, [entry for entry in found if not entry.part.lesion and entry.part.value not in single]


def chart_text(found: Sequence[Contribution]) -> str:
    """The chart in words, for those who do not see it."""
    rows = (
        f"{entry.part.name}: " + ", ".join(f"{name} {value:.2f}" for name, value in entry.shapley.items())
        for entry in chosen(found)
    )
    return "Share of each modality in the mean probability of a structure. " + "; ".join(rows) + "."


def write_chart(found: Sequence[Contribution], path: Path) -> None:
    """Draw stacked bars, one a structure or lesion; their length is the score.

    Args:
        found: by part, at least one.
        path: PNG file to write; the text alternative is in it as ``Description``.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = chosen(found)
    modalities = list(rows[0].shapley)
    figure = Figure(figsize=(7.5, 1.5 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    above, below = [0.0] * len(rows), [0.0] * len(rows)
    for n, modality in enumerate(modalities):
        values = [entry.shapley[modality] for entry in rows]
        left = [high if value >= 0 else low for value, high, low in zip(values, above, below, strict=True)]
        bars = axes.barh(places, values, left=left, height=0.7, label=modality, edgecolor="white", linewidth=0.5)
        for bar in bars:
            bar.set(facecolor=COLORS[n % len(COLORS)], hatch=HATCHES[n % len(HATCHES)])
        above = [high + max(value, 0) for value, high in zip(values, above, strict=True)]
        below = [low + min(value, 0) for value, low in zip(values, below, strict=True)]
    axes.set_yticks(places, [entry.part.name for entry in rows])
    axes.invert_yaxis()
    axes.set_xlim(min(0.0, *below) * 1.05, max(1.0, *above))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("share of the mean probability (Shapley value)")
    total = sum(map(len, _apart(found)))
    of = f" ({len(rows)} of {total} structures and lesions)" if len(rows) < total else ""
    axes.set_title(f"Which modality decided{of}", loc="left", fontsize="medium")
    axes.grid(axis="x", color="0.85")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(modalities), frameon=False)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Title": "Contributions", "Description": chart_text(found)})
