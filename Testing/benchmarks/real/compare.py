"""What changed between two evaluations.

    python Testing/benchmarks/real/compare.py BEFORE AFTER [--what TEXT --why TEXT] [--all]

BEFORE and AFTER are ``results.json`` of ``evaluate.py`` or folders that hold one. Prints the figures that both have as
a Markdown table; with --what and --why it prints one row for the table of experiments in ``TRAINING.md`` instead.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headline import BARS, Results, headline
from table import rows

LEAST = 0.005
"""Smaller changes are not worth a word."""


@dataclass(frozen=True)
class Change:
    """One figure in two evaluations.

    Args:
        name: of the figure.
        before: its value.
        after: its value.
    """

    name: str
    before: float
    after: float

    @property
    def better(self) -> bool:
        """Went the right way."""
        lower = self.name in BARS and BARS[self.name].lower
        return self.after < self.before if lower else self.after > self.before

    @property
    def verdict(self) -> str:
        """In a word."""
        if abs(self.after - self.before) < LEAST:
            return "same"
        return "better" if self.better else "worse"


def read(path: Path) -> Results:
    """Results of ``evaluate.py``, from the file or its folder."""
    found: Results = json.loads((path / "results.json" if path.is_dir() else path).read_text(encoding="utf-8"))
    return found


def changes(before: Results, after: Results, *, every: bool = False) -> list[Change]:
    """Figures that both have, those with a bar first; every Dice of every case too if asked for."""
    old, new = (headline(results) | (_dice(results) if every else {}) for results in (before, after))
    names = [*(name for name in BARS if name in old), *(name for name in old if name not in BARS)]
    return [Change(name, old[name], new[name]) for name in names if name in new]


def other_images(before: Results, after: Results) -> list[str]:
    """Sets whose images are not the same in both, so that their figures cannot be compared patient by patient."""
    different = []
    for name in before["sets"]:
        if name in after["sets"]:
            old, new = ({r: row["inputs"] for r, row in x["sets"][name]["runs"].items()} for x in (before, after))
            different += [name] if old != new else []
    return different


def table(found: list[Change]) -> list[str]:
    """A Markdown table of changes."""
    body = [
        (
            change.name,
            f"{change.before:.3f}",
            f"{change.after:.3f}",
            f"{change.after - change.before:+.3f}",
            change.verdict,
            str(BARS.get(change.name, "")),
        )
        for change in found
    ]
    return rows(("figure", "before", "after", "change", "", "wanted"), body)


def experiment(what: str, why: str, found: list[Change]) -> str:
    """A row of the table of experiments, with those figures with a bar that changed."""
    moved = [change for change in found if change.name in BARS and change.verdict != "same"]
    cells = [
        "; ".join(f"{c.name} {value:.3f}" for c, value in ((c, getattr(c, side)) for c in moved)) or "the same"
        for side in ("before", "after")
    ]
    return f"| {what} | {why} | {cells[0]} | {cells[1]} |"


def _dice(results: Results) -> Mapping[str, float]:
    return {
        f"{set_name} {run}: {name}": value
        for set_name, measured in results["sets"].items()
        for run, row in measured["runs"].items()
        for name, value in row["dice"].items()
        if value is not None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--what", help="the change, for a row of TRAINING.md")
    parser.add_argument("--why", default="-", help="the reason, for a row of TRAINING.md")
    parser.add_argument("--all", action="store_true", help="every Dice of every case")
    given = parser.parse_args()
    before, after = read(given.before), read(given.after)
    found = changes(before, after, every=given.all)
    if given.what:
        print(experiment(given.what, given.why, found))
        return
    names = [f"{results['model']['name']} {results['model']['version']}" for results in (before, after)]
    print(f"{names[0]} -> {names[1]}", "", *table(found), sep="\n")
    for name in other_images(before, after):
        print(f"\nThe images of {name} are not the same in both: the generator or the number of patients changed.")


if __name__ == "__main__":
    main()
