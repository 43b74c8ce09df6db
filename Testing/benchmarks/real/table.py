"""The whole table of an evaluation as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headline import BARS, TWO_CORES, Bar, Results, headline

from MultimodalSegLib.notice import RESEARCH_USE

SHORT = ("figure", "found", "wanted of a GPU", "reached", "wanted of two cores", "reached")


def markdown(results: Results) -> str:
    """Short table with what was wanted, then every set with its scores and its picture."""
    model = results["model"]
    lines = [
        f"# {model['name']} {model['version']} on volumes it never saw",
        "",
        f"Made by `Testing/benchmarks/real/evaluate.py`; weights sha256 {model['checksum'][:16]}. {RESEARCH_USE}",
        "No real CT and MRI of one patient are among these data: pairs are made up from held-out label maps.",
        "",
        *rows(SHORT, short(headline(results))),
    ]
    for name, measured in results["sets"].items():
        lines += ["", f"## {name}", ""]
        if "figures" in measured:
            lines += [*synthetic(measured["figures"]), ""]
        lines += runs(measured["runs"], scores="figures" not in measured)
        if measured["picture"]:
            lines += ["", f"![{name}, {measured['picture']}]({name}.png)"]
    return "\n".join(lines) + "\n"


def short(figures: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Name, figure, and of both ways of training the bar and whether it is reached; figures with a bar first."""
    known = [*(name for name in BARS if name in figures), *(name for name in figures if name not in BARS)]
    return [
        (name, f"{figures[name]:.3f}", *_bar(BARS, name, figures[name]), *_bar(TWO_CORES, name, figures[name]))
        for name in known
    ]


def runs(measured: Mapping[str, Any], *, scores: bool) -> list[str]:
    """What was measured of every case of a set."""
    lines: list[str] = []
    if scores:
        names = dict.fromkeys(name for row in measured.values() for name in row["dice"])
        body = [(name, *(_number(row["dice"].get(name)) for row in measured.values())) for name in names]
        lines += [*rows(("Dice", *measured), body), ""]
    head = ("case", "lesion found ml", "true ml", "lesion presence", "brain ml", "processor s", "what to know")
    body = [
        (
            run,
            _number(row["lesion"]["found ml"], 1),
            _number(row["lesion"]["true ml"], 1),
            _number(row["lesion"]["presence"], 2),
            _number(row["brain ml"], 0),
            _number(row["processor seconds"], 0),
            "; ".join(filter(None, (row["note"], *row["warnings"]))),
        )
        for run, row in measured.items()
    ]
    return lines + rows(head, body)


def synthetic(figures: Mapping[str, Any]) -> list[str]:
    """Means over made-up patients with 95 % bootstrap intervals, drawn by label map and then by patient."""
    modes = list(figures["dice"])
    table = [
        (name, *(interval(figures["dice"][mode][name]) for mode in modes))
        for name in figures["dice"][modes[0]]
        if any(figures["dice"][mode][name]["mean"] is not None for mode in modes)
    ]
    table.append(("lesions above 2 ml, each", *(interval(figures["lesions above 2 ml"][mode]) for mode in modes)))
    gains = [
        (name, interval(gain), gain["over"])
        for name, gain in figures["fusion gain"].items()
        if gain["mean"] is not None
    ]
    return [
        f"{figures['patients']} made-up patients with lesions (those of {figures['no lesion']} again without, for the "
        f"presence of lesions) of {figures['anatomies']} anatomies, which are {figures['anatomies']} label maps; mean "
        "and 95 % bootstrap interval. Patients of one anatomy are alike: anatomies are drawn first, then patients of "
        "each. Intervals from so few anatomies are rough.",
        "A lesion that only one modality shows counts as true for all.",
        "",
        *rows(("Dice", *modes), table),
        "",
        *rows(("both minus the better single modality", "gain", "better alone"), gains),
        "",
        f"Cross-modality error (mean of 16 structures, CT alone against MRI alone): "
        f"{_number(figures['cross-modality error'])}. Lesion presence AUC, both: "
        f"{interval(figures['lesion presence AUC'])}.",
    ]


def interval(found: Mapping[str, Any]) -> str:
    """``mean (low to high)``, or the mean alone if there is no interval."""
    if found["mean"] is None or found["low"] is None:
        return _number(found["mean"])
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; the first column is text, the others are aligned to the right."""
    lines = [tuple(head), ("---", *("---:" for _ in head[1:])), *body]
    return [f"| {' | '.join(line)} |" for line in lines]


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _bar(bars: Mapping[str, Bar], name: str, figure: float) -> tuple[str, str]:
    if name not in bars:
        return "", ""
    return str(bars[name]), "yes" if bars[name].met(figure) else "no"
