"""Insertion and deletion curves of a map, with those of maps that explain nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

LOOKS = (("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#555555", "^", ":"))
"""Color (Okabe and Ito 2008), marker and line of the map and of each baseline: told apart without color, too."""

PANELS = {
    "insertion": "Insertion: shown again, brightest first\n(the sooner it is found, the better)",
    "deletion": "Deletion: blurred away, brightest first\n(the sooner it is lost, the better)",
}


def curves_of(figures: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The map's own figures and those of the baselines, by the names of the legend."""
    others = {"random": "random map", "blurred mask": "blurred structure"}
    baselines = figures.get("baselines") or {}
    return {"this map": figures} | {others.get(name, name): found for name, found in baselines.items()}


def curves_text(figures: Mapping[str, Any], title: str) -> str:
    """The chart in words, for those who do not see it."""
    areas = "; ".join(
        f"{name}: insertion {found['insertion_area']:.2f}, deletion {found['deletion_area']:.2f}"
        for name, found in curves_of(figures).items()
    )
    return f"Insertion and deletion curves. {title}. Areas: {areas}."


def write_curves(figures: Mapping[str, Any], path: Path | IO[bytes], title: str) -> None:
    """Draw how the probability follows the part of the images that is shown, and that is blurred.

    Args:
        figures: of :func:`~MultimodalSegLib.explain.map_figures.map_figures`.
        path: PNG file to write; the text alternative is in it as ``Description``.
        title: what the map is of.

    Raises:
        ImportError: matplotlib is not installed.
        KeyError: a curve is not among the figures.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    text = curves_text(figures, title)
    figure = Figure(figsize=(7.2, 3.2), dpi=110, layout="constrained")
    for axes, (panel, heading) in zip(figure.subplots(1, 2, sharey=True), PANELS.items(), strict=True):
        for (name, found), (color, marker, line) in zip(curves_of(figures).items(), LOOKS, strict=False):
            values, volumes = found[panel]["probability"], found[panel]["volumes"]
            axes.plot(
                range(len(values)), values, color=color, marker=marker, linestyle=line, markersize=4, linewidth=1.4,
                label=name if panel == "insertion" else None,
            )  # fmt: skip
        axes.set_xticks(range(len(volumes)), [f"{volume:g}" for volume in volumes], fontsize=8)
        axes.set_title(heading, loc="left", fontsize=9)
        axes.set_xlabel("changed voxels, in volumes of the structure", fontsize=8)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(color="0.88")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("mean probability", fontsize=8)
    figure.legend(loc="outside lower center", ncols=len(LOOKS), frameon=False, fontsize=8)
    FigureCanvasAgg(figure).print_png(path, metadata={"Title": title, "Description": text})
