"""``benchmark``: models and published networks on the same input: speed, memory, energy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from ..errors import InputError
from ..progress import Event, Progress
from .ending import ending
from .listeners import Terminal
from .networks import EngineName, as_csv_text, figure, reasons

if TYPE_CHECKING:
    from ..networks.measurement import Measurement

HEAD = (160, 192, 160)
OWN = ("head", "head-student")

MEASURED = ("seconds", "peak_mb", "card_mb", "processor_joules", "card_joules", "state")
FIELDS = (
    "name",
    "parameters",
    "shape",
    "modalities",
    "multiply_adds",
    "engine",
    "device",
    *MEASURED,
    "volumes_per_s",
    "slices_per_s",
)
"""Columns of a row: one network on the input."""

SHOWN = {
    "seconds": "s",
    "volumes_per_s": "volumes/s",
    "slices_per_s": "slices/s",
    "peak_mb": "process MB",
    "card_mb": "card MB",
    "processor_joules": "processor J",
    "card_joules": "card J",
}


def benchmark(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Models (name or folder) and networks; the shipped models and all baselines if none."),
    ] = None,
    shape: Annotated[tuple[int, int, int], typer.Option(help="Voxels along k, j, i; k counts the slices.")] = HEAD,
    modalities: Annotated[int, typer.Option(min=1, help="Volumes of the case.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    engine: Annotated[EngineName, typer.Option(help="What computes.")] = EngineName.torch,
    runs: Annotated[int, typer.Option(min=1, help="Passes of which the median is told, after one to warm up.")] = 3,
    memory_limit: Annotated[
        float | None,
        typer.Option(min=1, help="MB that a measured process may take; else most of the free ones."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Compare models with published networks on this computer: volumes and slices per second, memory, energy.

    All see the same input, each in a process of its own, the network alone. Energy is told where the computer counts it
    (RAPL on Linux, where it may be read; NVIDIA cards with nvidia-ml-py). 'networks' counts without measuring.
    """
    told = Terminal()
    with ending(told) as progress:
        from ..networks.device import choose_device
        from ..writing import write_text

        where = str(choose_device("cpu" if engine is EngineName.openvino and device == "auto" else device))
        if engine is EngineName.openvino and where != "cpu":
            raise InputError("The engine openvino is for processors.", "Use --device cpu, or --engine torch.")
        if min(shape) < 1:
            raise InputError(f"The shape {shape} holds no voxel.", "Give three numbers of voxels.")
        entries = {name: entry_of(name) for name in dict.fromkeys(names or default_names())}
        rows = compared(entries, shape, modalities, engine.value, where, runs, memory_limit, progress)
        if out:
            write_text(out, as_csv_text(rows, FIELDS))
        if as_json:
            told.close()
            typer.echo(json.dumps(rows, indent=2))
        else:
            told.say(table(rows))


def default_names() -> list[str]:
    """The shipped models and the published networks."""
    from ..networks.baselines.table import BASELINES

    return [*OWN, *BASELINES]


def entry_of(name: str) -> dict[str, Any]:
    """What a network is built from: one by its name, or that of a model.

    Raises:
        ModelError: there is neither.
    """
    from ..models.bundle import load_bundle
    from ..networks.cost import network_entry, network_names

    return network_entry(name) if name in network_names() else dict(load_bundle(name).metadata["network"])


def compared(
    entries: Mapping[str, Mapping[str, Any]],
    shape: Sequence[int],
    modalities: int,
    engine: str,
    device: str,
    runs: int,
    memory_limit_mb: float | None,
    progress: Progress,
) -> list[dict[str, Any]]:
    """One row for each network, in the order given.

    Args:
        entries: what each is built from, by name.
        shape: (k, j, i) voxels.
        modalities: of the input.
        engine: torch or openvino.
        device: as torch names it.
        runs: passes after the first.
        memory_limit_mb: of each process.
        progress: told many times a second; may raise to stop.
    """
    from ..networks.cost import multiply_adds, parameters, without_values
    from ..networks.measurement import measure

    rows = []
    for n, (name, entry) in enumerate(entries.items()):
        event = Event("measure", n, len(entries), name)
        progress(event)
        network = without_values(dict(entry))
        found = measure(
            entry,
            shape,
            modalities,
            engine=engine,
            device=device,
            runs=runs,
            memory_limit_mb=memory_limit_mb,
            waiting=lambda event=event: progress(event),  # type: ignore[misc]
        )
        counted = {
            "name": name,
            "parameters": parameters(network),
            "shape": "x".join(map(str, shape)),
            "modalities": modalities,
            "multiply_adds": multiply_adds(network, shape, modalities),
            "engine": engine,
            "device": device,
        }
        rows.append(counted | {field: getattr(found, field) for field in MEASURED} | speed(found, shape[0]))
    progress(Event("measure", len(entries), len(entries)))
    return rows


def speed(found: Measurement, slices: int) -> dict[str, float | None]:
    """Volumes and slices per second, to four digits."""
    if not found.seconds:
        return {"volumes_per_s": None, "slices_per_s": None}
    each = (1 / found.seconds, slices / found.seconds)
    digits = [3 - math.floor(math.log10(value)) for value in each]
    return dict(
        zip(("volumes_per_s", "slices_per_s"), (round(v, d) for v, d in zip(each, digits, strict=True)), strict=True)
    )


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """A line for each network; columns that nothing was measured for are left out."""
    fields = [name for name in SHOWN if any(row[name] is not None for row in rows) or name == "seconds"]
    columns = [Column(SHOWN[name], justify="right") for name in fields]
    title = f"{rows[0]['shape']} voxels, {rows[0]['modalities']} modalities, {rows[0]['engine']} on {rows[0]['device']}"
    result = Table(
        "Name", Column("M parameters", justify="right"), Column("GMAC", justify="right"), *columns, title=title
    )
    for row in rows:
        cells = [figure(row, name, ".3g" if name.endswith("_s") else ".2f") for name in fields]
        result.add_row(row["name"], f"{row['parameters'] / 1e6:.2f}", f"{row['multiply_adds'] / 1e9:.1f}", *cells)
    missing = (
        "" if any(row["processor_joules"] is not None for row in rows) else "Processors' energy cannot be read here."
    )
    result.caption = "\n".join([*filter(None, [missing]), *reasons(rows)])
    return result
