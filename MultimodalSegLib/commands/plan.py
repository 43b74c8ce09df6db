"""``plan``: every choice of a training run as a file to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, OutputError
from .ending import ending
from .listeners import Terminal


def plan(
    out: Annotated[Path, typer.Option(help="The file to write, such as plan.yaml.")],
    data: Annotated[Path | None, typer.Option(help="Data set of real images; see the command 'check-data'.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of whole-head label maps (NIfTI).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run, and of who is held out.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Propose spacing, crop, batch, network and held-out cases from the data and this computer.

    Edit the file, then: train --plan FILE --out RUN.
    """
    told = Terminal()
    with ending(told) as progress:
        from dataclasses import replace

        from ..training.plan_file import write_plan
        from ..training.propose import data_plan, label_map_plan

        if out.exists() and not overwrite:
            raise OutputError(f"{out} exists already.", "Choose another name, or use --overwrite.")
        if data is not None and labels is None:
            proposed = data_plan(data.resolve(), seed=seed, progress=progress)
        elif labels is not None and data is None:
            proposed = replace(label_map_plan(labels.resolve()), seed=seed)
        else:
            raise InputError("A plan is for a data set or for label maps.", "Give --data or --labels.")
        write_plan(proposed, out)
        last = proposed.stages[-1]
        crops = ", ".join(" x ".join(map(str, size)) for size in last.sizes)
        told.say(
            f"Network {proposed.network} at {last.xyz[0]:g} mm, crops of {crops} voxels, {proposed.batch} at a time, "
            f"{proposed.steps} steps, {len(proposed.held_out)} held out.",
            f"Plan: {out}. Edit it, try it with train --plan {out} --out RUN --dry-run, and train.",
        )
