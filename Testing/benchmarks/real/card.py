"""Write the model card of a bundle from its evaluation.

    python Testing/benchmarks/real/card.py --results FOLDER [--model NAME_OR_FOLDER] [--energy KWH]

FOLDER is what ``evaluate.py`` left for this very model. Writes ``docs/README.md`` in the bundle. Energy of training is
taken from the bundle's metadata (``training.energy_kwh``) if it is not given.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compare import read
from headline import Results, headline
from table import SHORT, rows, short, synthetic

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.models.bundle import Bundle, load_bundle

WORST = 3
"""Structures of each set that are named as its weakest."""

INTENDED = (
    "Research on CT and MRI of the adult head: volumes of structures, masks for further processing, teaching.",
    "Any of its inputs alone or together, with or without skull; several volumes are registered first.",
    "Not for diagnosis, treatment or anything about a single patient that is not checked by a qualified person.",
)


def card(model: Bundle, results: Results, pictures: str, energy: float | None) -> str:
    """The card as Markdown.

    Args:
        model: the bundle.
        results: of this model.
        pictures: path from the card to the folder of pictures.
        energy: of training, kWh, or None if it was not measured.

    Raises:
        InputError: the results are those of other weights.
    """
    if results["model"]["checksum"] != model.checksum:
        raise InputError(
            f"The results are of other weights than those of {model.name} {model.version}.",
            "Run Testing/benchmarks/real/evaluate.py with this model first.",
        )
    described = [f"- {line}" for line in model.describe().splitlines() if not line.startswith("Folder:")]
    figures = results["sets"].get("synthetic", {}).get("figures")
    lines = [f"# {model.name}", "", *described, "", "## Intended use", "", *(f"- {line}" for line in INTENDED)]
    lines += ["", "## Training", "", *(f"- {line}" for line in training(model.metadata.get("training", {}), energy))]
    lines += [
        "",
        "## Figures",
        "",
        "Measured on volumes that training never saw; what was wanted stands beside them, of a model that "
        "was trained on a GPU and of one that was trained on two cores of a processor.",
        "",
    ]
    lines += rows(SHORT, short(headline(results)))
    for name in ("seeg-brain", "fpg-t2"):
        for run, row in results["sets"].get(name, {"runs": {}})["runs"].items():
            lines += ["", f"### {name}, {run}", "", f"Dice of each structure; {row['note']}.", ""]
            lines += rows(("structure", "Dice", "left", "right"), _structures(row))
    if figures:
        lines += ["", "### Made-up pairs of held-out label maps", "", *synthetic(figures)]
    lines += ["", "## Where it fails", "", *(f"- {line}" for line in failures(results))]
    lines += [
        "",
        "Pictures of the best, the median and the worst slice of each set, in the source of this project:",
        "",
    ]
    lines += [
        f"- [{name}]({pictures}/{name}.png): {measured['picture']}"
        for name, measured in results["sets"].items()
        if measured["picture"]
    ]
    return "\n".join(lines) + "\n"


def training(record: Mapping[str, Any], energy: float | None) -> list[str]:
    """What is known of the training run."""
    lines = (
        [f"{record['steps']} steps in {record['minutes']:.0f} minutes"] if {"steps", "minutes"} <= set(record) else []
    )
    if record.get("held_out"):
        lines.append(f"Never trained on: {', '.join(record['held_out'])}, and every real image")
    if record.get("averaged_with"):
        seen = (
            f", chosen on {record['chosen_on']}: their figures are a little too good" if "chosen_on" in record else ""
        )
        lines.append(f"The weights are the mean of those of this run and of {record['averaged_with']}{seen}")
    known = energy if energy is not None else record.get("energy_kwh")
    return [*lines, f"Energy: {known:g} kWh" if known is not None else "Energy was not measured"]


def failures(results: Results) -> list[str]:
    """Weakest structures, invented and missed lesions of the real sets, in words."""
    lines = []
    real = {name: measured for name, measured in results["sets"].items() if name != "synthetic"}
    for set_name, measured in real.items():
        for run, row in measured["runs"].items():
            lesion = row["lesion"]
            if row["healthy"] and lesion["found ml"] >= 1:
                lines.append(f"{set_name} {run}: {lesion['found ml']:.1f} ml of lesion are invented.")
            if "sides" in row:
                known = sorted((d, n) for n, d in row["dice"].items() if d is not None)[:WORST]
                weakest = ", ".join(f"{name} ({dice:.2f})" for dice, name in known)
                lines.append(f"{set_name} {run}: weakest structures are {weakest}.")
            missed = row["dice"].get("lesion")
            if missed is not None and missed < 0.5:
                lines.append(
                    f"{set_name} {run}: lesions of {lesion['true ml']:.1f} ml, {lesion['found ml']:.1f} ml found, "
                    f"Dice {missed:.2f}."
                )
    return lines


def _structures(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    sides = row.get("sides", {})
    return [
        (name, text(dice), text(sides.get(f"left {name}")), text(sides.get(f"right {name}")))
        for name, dice in row["dice"].items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--energy", type=float)
    given = parser.parse_args()
    model = load_bundle(given.model)
    path = model.path / "docs" / "README.md"
    pictures = Path(os.path.relpath(given.results.resolve(), path.parent.resolve())).as_posix()
    path.write_text(card(model, read(given.results), pictures, given.energy), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
