"""``networks``: what each network costs, beside the others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from ..errors import InputError
from ..progress import Event, Progress
from .ending import ending
from .listeners import Terminal

MODALITIES = (1, 2)

FIELDS = ("network", "parameters", "shape", "modalities", "multiply_adds", "engine", "seconds", "peak_mb", "state")
"""Columns of a row: one network on one shape with one number of modalities."""


class EngineName(str, Enum):
    """What computes."""

    torch = "torch"
    openvino = "openvino"


def networks(
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this network; may be given again.")] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Measure time and memory on this computer.")] = False,
    engine: Annotated[EngineName, typer.Option(help="What computes.")] = EngineName.torch,
    runs: Annotated[int, typer.Option(min=1, help="Passes of which the median is told.")] = 3,
    memory_limit: Annotated[
        float | None,
        typer.Option(min=1, help="MB that a measured process may take; else most of the free ones."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV on stdout.")] = False,
) -> None:
    """Compare the networks: parameters and multiply-adds, and with --measure seconds and memory.

    On a crop of 96x96x96 voxels and a head of 160x192x160, with one and two modalities. Each measurement has a process
    of its own; a network that needs more memory than there is free is told as such.
    """
    told = Terminal()
    with ending(told) as progress:
        rows = costs(_chosen(only), progress)
        if measure:
            rows = measured(rows, engine.value, runs, memory_limit, progress)
        if as_json:
            told.close()
            typer.echo(json.dumps(rows, indent=2))
        elif as_csv:
            told.close()
            typer.echo(as_csv_text(rows), nl=False)
        else:
            told.say(table(rows))


def _chosen(only: Sequence[str] | None) -> list[str]:
    from ..networks.cost import network_names

    known = network_names()
    for name in only or ():
        if name not in known:
            raise InputError(f"There is no network {name!r}.", f"There are {', '.join(known)}.")
    return list(dict.fromkeys(only)) if only else known


def costs(names: Sequence[str], progress: Progress) -> list[dict[str, Any]]:
    """One row for each network, shape and number of modalities, with what is worked out without measuring."""
    from ..networks.cost import SHAPES, multiply_adds, network_entry, parameters, without_values

    rows: list[dict[str, Any]] = []
    for n, name in enumerate(names):
        progress(Event("count", n, len(names), name))
        network = without_values(network_entry(name))
        for shape, size in SHAPES.items():
            for modalities in MODALITIES:
                found = (name, parameters(network), shape, modalities, multiply_adds(network, size, modalities))
                rows.append(dict.fromkeys(FIELDS) | dict(zip(FIELDS, found, strict=False)))
    progress(Event("count", len(names), len(names)))
    return rows


def measured(
    rows: Sequence[dict[str, Any]], engine: str, runs: int, memory_limit_mb: float | None, progress: Progress
) -> list[dict[str, Any]]:
    """The rows with what a pass takes on this computer."""
    from ..networks.cost import SHAPES, network_entry
    from ..networks.measurement import measure

    answers = []
    for n, row in enumerate(rows):
        event = Event("measure", n, len(rows), f"{row['network']}, {row['shape']}, {row['modalities']}")
        found = measure(
            network_entry(row["network"]),
            SHAPES[row["shape"]],
            row["modalities"],
            engine=engine,
            runs=runs,
            memory_limit_mb=memory_limit_mb,
            waiting=lambda event=event: progress(event),  # type: ignore[misc]
        )
        told = {"engine": engine, "seconds": found.seconds, "peak_mb": found.peak_mb, "state": found.state}
        answers.append(row | told)
    progress(Event("measure", len(rows), len(rows)))
    return answers


def as_csv_text(rows: Sequence[dict[str, Any]], fields: Sequence[str] = FIELDS) -> str:
    """Rows as comma-separated values with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """A line for each network; in a cell, the figure with one and with two modalities."""
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    was_measured = any(row["state"] for row in rows)
    kinds = [("GMAC", lambda r: f"{r['multiply_adds'] / 1e9:.1f}")]
    if was_measured:
        kinds += [("s", lambda r: figure(r, "seconds", ".2f")), ("MB", lambda r: figure(r, "peak_mb", ".0f"))]
    title = "Networks: figures with one / with two modalities"
    columns = [Column(f"{kind} {shape}", justify="right") for shape in shapes for kind, _ in kinds]
    result = Table("Network", Column("Parameters (M)", justify="right"), *columns, title=title)
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        cells = [
            " / ".join(figure(row) for row in own if row["shape"] == shape) for shape in shapes for _, figure in kinds
        ]
        result.add_row(name, f"{own[0]['parameters'] / 1e6:.2f}", *cells)
    if was_measured:
        sentences = [f"Measured with {rows[0]['engine']} on this computer's processor.", *reasons(rows)]
        result.caption = "\n".join(sentences)
    return result


def reasons(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Why networks could not be measured, other than for lack of memory; each sentence once."""
    return list(dict.fromkeys(row["state"] for row in rows if row["state"] not in ("measured", "out of memory")))


def figure(row: dict[str, Any], field: str, form: str) -> str:
    """A measured figure of a row, or that memory ran out, or a dash."""
    if row[field] is None:
        return "out of memory" if row["state"] == "out of memory" else "-"
    return format(row[field], form)
