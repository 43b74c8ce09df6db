"""``check-data``: everything that is wrong with a data set, before any training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from .ending import ending
from .listeners import Terminal

if TYPE_CHECKING:
    from ..training.data.data_set import DataSet
    from ..training.data.problems import Problem


def check_data(
    path: Annotated[Path, typer.Argument(help="Folder of a data set, or its table (.csv) or description (.json).")],
    layout: Annotated[str, typer.Option(help="How the folder is arranged; found out if left out.")] = "",
    splits: Annotated[Path | None, typer.Option(help="splits.json to check for patients on two sides.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the data set as a description: .json or .csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Read every image and label of a data set and list all problems in one table.

    The exit code is 1 if there are errors; warnings alone leave it 0.
    """
    told = Terminal()
    with ending(told) as progress:
        from ..errors import OutputError
        from ..training.data.adapters import read_data_set
        from ..training.data.check import check_data as problems_of
        from ..training.data.description import write_description
        from ..training.data.splits import read_splits
        from ..training.data.table import write_table

        if save and save.suffix not in (".json", ".csv"):
            raise OutputError(
                f"A description cannot be written as {save.name!r}.", "Use a name ending in .json or .csv."
            )
        data_set = read_data_set(path, layout)
        found = problems_of(data_set, read_splits(splits) if splits else (), progress)
        if save:
            (write_table if save.suffix == ".csv" else write_description)(data_set, save)
        told.close()
        if as_json:
            typer.echo(json.dumps({**_facts(data_set), "problems": [asdict(p) for p in found]}, indent=2))
        else:
            told.say(_sentence(data_set))
            told.say(_table(found) if found else "No problem was found.")
        if any(problem.severity == "error" for problem in found):
            raise typer.Exit(1)


def _facts(data_set: DataSet) -> dict[str, Any]:
    return {
        "name": data_set.name,
        "cases": len(data_set.cases),
        "patients": len({case.patient for case in data_set.cases}),
        "labelled": len(data_set.labelled),
        "modalities": {name: sum(name in case.images for case in data_set.cases) for name in data_set.modalities},
        "classes": [entry.name for entry in data_set.classes],
    }


def _sentence(data_set: DataSet) -> str:
    facts = _facts(data_set)
    modalities = ", ".join(f"{name} in {count}" for name, count in facts["modalities"].items())
    classes = ", ".join(facts["classes"]) or "not named, every label value counts"
    return (
        f"{facts['name']}: {facts['cases']} cases of {facts['patients']} patients, {facts['labelled']} with a label; "
        f"{modalities}; classes: {classes}."
    )


def _table(problems: Sequence[Problem]) -> Table:
    errors = sum(problem.severity == "error" for problem in problems)
    title = f"{errors} errors and {len(problems) - errors} warnings"
    table = Table("Case", "Severity", Column("Problem", overflow="fold"), Column("What to do", overflow="fold"))
    table.title = title
    for problem in problems:
        table.add_row(problem.case or "(all)", problem.severity, problem.text, problem.advice)
    return table
