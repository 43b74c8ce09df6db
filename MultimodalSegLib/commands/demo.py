"""``demo``: a shipped case from its volumes to figures, scene and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ..errors import InputError, MissingPackageError, OutputError
from ..progress import Event, Progress
from ..run_folder import RunFolder
from .choices import Device, DeviceOption, ThreadsOption
from .demo_case import DemoCase, figures
from .ending import ending
from .listeners import Listener, Terminal


def demo(
    case: Annotated[str, typer.Option(help="synthetic, templates, or a folder with a case.json.")] = "synthetic",
    out: Annotated[Path | None, typer.Option(help="Run folder; runs/demo-CASE if left out.")] = None,
    model: Annotated[str, typer.Option(help="Name or folder of a model.")] = "default",
    device: DeviceOption = Device.auto,
    threads: ThreadsOption = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Leave out scene and pictures.")] = False,
) -> None:
    """Segment a shipped case, compare it with the truth, and leave run folder, scene and pictures."""
    told = Terminal()
    shown = out or Path("runs") / f"demo-{Path(case).name}"
    with ending(told, shown, hint="The same command begins anew.") as progress:
        from ..pipeline import run_segment
        from ..segment_options import SegmentOptions

        shipped = DemoCase.load(case)
        options = SegmentOptions(
            volumes=shipped.volumes,
            out=shown,
            reference=shipped.reference,
            model=model,
            device=device.value,
            threads=threads,
            overwrite=_is_earlier_demo(shown, shipped),
        )
        run = run_segment(options, progress)
        with run.stage("compare"):
            progress(Event("compare", 0, 1))
            found = figures(shipped, run)
            run.write(
                run.path / "demo.json",
                lambda path: path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8"),
            )
            progress(Event("compare", 1, 1))
        pictures = [] if no_pictures else _show(shipped, run, told, progress)
        _tell(told, shipped, run, found)
        for picture in pictures:
            told.say(f"Picture: {picture}" if picture.suffix == ".png" else f"Scene for Slicer: {picture}")
        for sentence in run.record["warnings"]:
            told.warn(sentence)


def _is_earlier_demo(out: Path, case: DemoCase) -> bool:
    """Whether the folder holds a run of this very case, which a new one may replace."""
    try:
        inputs = RunFolder.open(out).record["inputs"].values()
    except InputError:
        return False
    return all(Path(entry["path"]).resolve().parent == case.folder for entry in inputs)


def _show(case: DemoCase, run: RunFolder, told: Listener, progress: Progress) -> list[Path]:
    """Make scene and pictures; what cannot be made here is told and left out."""
    made: list[Path] = []
    title = f"{case.name}: {' + '.join(case.volumes)}"
    try:
        from ..slicerside.pictures.pictures import slice_pictures, surface_picture
        from ..slicerside.pictures.run_scene import build_scene, save_mrb

        with run.stage("show"):
            progress(Event("show", 0, 4, "building the scene"))
            nodes = build_scene(run.path, case.name)
            steps = {
                "scene.mrb": save_mrb,
                "slices.png": lambda path: slice_pictures(nodes, path, title=title, synthetic=case.synthetic),
                "surfaces.png": lambda path: surface_picture(nodes, path, title=title, synthetic=case.synthetic),
            }
            for count, (name, writer) in enumerate(steps.items(), 1):
                progress(Event("show", count, 4, name))
                run.write(run.path / name, writer)
                made.append(run.path / name)
            progress(Event("show", 4, 4))
    except (MissingPackageError, OutputError) as error:
        told.warn(f"Left out: {error.sentences}")
    return made


def _tell(told: Listener, case: DemoCase, run: RunFolder, found: Mapping[str, Any]) -> None:
    kind = "SYNTHETIC images, not scans" if case.synthetic else "real images"
    told.say(f"Case {case.name}: {kind}, {' and '.join(case.volumes)}. {case.notice}".rstrip())
    told.say(_registration_table(found), _structure_table(found))
    if found["dice_groups"]:
        groups = Table("Group", "Dice", title="Groups" + _mark(found))
        for name, score in found["dice_groups"].items():
            groups.add_row(name, _shown(score))
        told.say(groups)
    times = Table("Stage", "Seconds", title="Time and memory")
    for stage, seconds in found["seconds"].items():
        times.add_row(stage, f"{seconds:.1f}")
    times.add_row("all", f"{sum(found['seconds'].values()):.1f}")
    times.add_row("peak memory", f"{found['peak_memory_mb']:.0f} MiB")
    told.say(times, f"Run folder: {run.path}")


def _registration_table(found: Mapping[str, Any]) -> Table:
    from ..registration.aligned import Quality

    table = Table(
        "Volume",
        "Kind",
        "Error mean (mm)",
        "Error max (mm)",
        "Estimated error",
        "Overlap of heads",
        title="Registration" + _mark(found),
    )
    for name, quality in found["registration"].items():
        error = found["registration_error_mm"].get(name, {})
        overlap = f"{quality['head_overlap']:.3f}"
        told = [_shown(error.get("mean")), _shown(error.get("max")), Quality.of(quality).error_text]
        table.add_row(name, quality["kind"], *told, overlap)
    return table


def _structure_table(found: Mapping[str, Any]) -> Table:
    table = Table("Structure", "Dice", "Volume (ml)", "True volume (ml)", title="Structures" + _mark(found))
    for entry in found["structures"]:
        true = "" if entry["true_volume_ml"] is None else f"{entry['true_volume_ml']:.1f}"
        table.add_row(entry["name"], _shown(entry["dice"]), f"{entry['volume_ml']:.1f}", true)
    return table


def _mark(found: Mapping[str, Any]) -> str:
    return " (synthetic case)" if found["synthetic"] else ""


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"
