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
    thick_slices: Annotated[
        bool, typer.Option("--thick-slices", help="Work at 1.5 x 1.5 x 5 mm instead of at one spacing along all axes.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run, and of who is held out.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Propose spacing, crop, batch, network and held-out cases from the data and this computer.

    Edit the file, then: train --plan FILE --out RUN.
    """
    told = Terminal()
    with ending(told) as progress:
        from dataclasses import replace

        from ..training.data.prepare import THICK_SLICES
        from ..training.plan_file import write_plan
        from ..training.propose import data_plan, label_map_plan

        if out.exists() and not overwrite:
            raise OutputError(f"{out} exists already.", "Choose another name, or use --overwrite.")
        if data is not None and labels is None:
            wanted = THICK_SLICES if thick_slices else None
            proposed = data_plan(data.resolve(), seed=seed, progress=progress, wanted=wanted)
        elif labels is not None and data is None and not thick_slices:
            proposed = replace(label_map_plan(labels.resolve()), seed=seed)
        else:
            raise InputError(
                "A plan is for a data set or for label maps, these at one spacing along all axes.",
                "Give --data or --labels, and --thick-slices with --data alone.",
            )
        write_plan(proposed, out)
        last = proposed.stages[-1]
        spacing = " x ".join(f"{mm:g}" for mm in (last.xyz if len(set(last.xyz)) > 1 else last.xyz[:1]))
        crops = ", ".join(" x ".join(map(str, size)) for size in last.sizes)
        told.say(
            f"Network {proposed.network} at {spacing} mm, crops of {crops} voxels, {proposed.batch} at a time, "
            f"{proposed.steps} steps, {len(proposed.held_out)} held out.",
            f"Plan: {out}. Edit it, try it with train --plan {out} --out RUN --dry-run, and train.",
        )
