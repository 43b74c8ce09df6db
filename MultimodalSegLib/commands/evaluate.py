"""``evaluate``: label maps, or what models make of a data set, against references."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from ..errors import InputError
from .choices import Device, DeviceOption, Engine, EventsOption, Kind, MemoryOption, ThreadsOption
from .ending import ending
from .listeners import Listener, listener

if TYPE_CHECKING:
    from ..evaluation.result import Evaluation


def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for evaluation.html and the tables.")],
    table: Annotated[
        Path | None,
        typer.Argument(help="CSV table: case, prediction, reference; see docs/evaluation.md for more columns."),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FOLDER", help="Folder of label maps; repeat with names to compare models."),
    ] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="References under the same file names; repeat for more raters."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model that segments --data first; repeat to compare models.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data set with labels: folder, table (.csv) or description (.json).")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV or JSON file that says which label values belong together.")
    ] = None,
    structure: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Structure to compare; all if left out. Repeatable.")
    ] = None,
    lesion: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Structure whose parts are lesions. Repeatable.")
    ] = None,
    tolerance: Annotated[float, typer.Option(metavar="MM", help="Tolerance of surface Dice.")] = 1.0,
    least_lesion: Annotated[float, typer.Option(metavar="ML", help="Smaller lesions do not count.")] = 0.0,
    presence_threshold: Annotated[
        float, typer.Option(help="Presence probability from which on a case counts as one with a lesion.")
    ] = 0.5,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    alone: Annotated[
        bool, typer.Option("--alone", help="With --model: segment from each modality alone, too.")
    ] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Go on without cases that cannot be read, compared or segmented.")
    ] = False,
    registration: Annotated[Kind, typer.Option(help="With --model: of images that are not aligned.")] = Kind.rigid,
    device: DeviceOption = Device.auto,
    engine: Annotated[Engine, typer.Option(help="What computes the network.")] = Engine.auto,
    threads: ThreadsOption = None,
    memory_limit: MemoryOption = None,
    events: EventsOption = None,
) -> None:
    """Compare label maps with references: Dice, surfaces, volumes, lesions, models, raters. For research use only."""
    told = listener(events)
    with ending(told, hint="The same command goes on; finished runs are kept.") as progress:
        from ..evaluation.result import EvaluationOptions
        from ..evaluation.score import Settings
        from ..evaluation.structure_list import read_structures
        from ..studies.evaluate import EvaluateRequest, run_evaluate
        from ..studies.segment_cases import ModelRuns

        if bool(model) != (data is not None):
            raise InputError("--model and --data belong together.", "Give both, or a table, or two folders.")
        runs = None
        if data is not None:
            work = (registration.value, device.value, engine.value, threads, memory_limit)
            runs = ModelRuns(tuple(model or ()), data, alone, *work)
        options = EvaluationOptions(
            structures=read_structures(labels) if labels else (),
            only=tuple(structure or ()),
            lesions=tuple(lesion or ()),
            settings=Settings(tolerance, least_lesion),
            presence_threshold=presence_threshold,
            level=level,
            seed=seed,
            leave_out=leave_out,
        )
        request = EvaluateRequest(out, options, table, _folders(predictions or ()), tuple(references or ()), runs)
        _tell(told, run_evaluate(request, progress), out)


def _folders(texts: Sequence[str]) -> dict[str, Path]:
    """Folder of label maps by model; a single one needs no name."""
    folders: dict[str, Path] = {}
    for text in texts:
        name, sign, folder = text.partition("=")
        if not sign:
            name, folder = "", text
        if not name and len(texts) > 1:
            raise InputError(
                f"The predictions {folder} have no name, and there are several.", "Give each one as NAME=FOLDER."
            )
        if name in folders:
            raise InputError(f"Two folders of predictions have the name {name!r}.", "Give each one another name.")
        folders[name] = Path(folder)
    return folders


def _tell(told: Listener, found: Evaluation, out: Path) -> None:
    """The means for a person, everything in short for a program."""
    from ..evaluation.measures import MEASURES
    from ..evaluation.page_text import interval_text
    from ..evaluation.summary import structure_names
    from ..studies.evaluate import PAGE, figures

    shown = ("dice", "surface_dice", "hd95_mm", "volume_error_percent")
    for stratum, summaries in found.summaries.items():
        if stratum.group:
            continue
        table = Table("Structure", *(Column(MEASURES[name].heading, justify="right") for name in shown))
        table.title = stratum.title
        for structure in structure_names(found.scores):
            table.add_row(structure, *(interval_text(summaries[structure, name].mean, name) for name in shown))
        told.say(table)
    told.say(f"Page and tables: {out / PAGE}")
    for sentence in found.sentences:
        told.warn(sentence)
    told.result(
        {
            "out": str(out),
            "page": str(out / PAGE),
            "cases": len(found.scores),
            "figures": figures(found),
            "warnings": list(found.sentences),
        }
    )
