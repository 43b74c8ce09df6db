"""``segment``: volumes of one patient to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .choices import (
    Device,
    DeviceOption,
    Engine,
    EventsOption,
    Kind,
    MemoryOption,
    SeedOption,
    SyntheticOption,
    ThreadsOption,
)
from .ending import ending
from .listeners import Listener, listener

if TYPE_CHECKING:
    from ..run_folder import RunFolder

VOLUME = "NRRD, NIfTI or MetaImage file, or folder with a DICOM series"


def segment(
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    ct: Annotated[Path | None, typer.Option(help=f"CT: {VOLUME}.")] = None,
    mr: Annotated[Path | None, typer.Option(help="MRI of any contrast.")] = None,
    t1: Annotated[Path | None, typer.Option(help="T1-weighted MRI.")] = None,
    t1c: Annotated[Path | None, typer.Option(help="T1-weighted MRI with contrast agent.")] = None,
    t2: Annotated[Path | None, typer.Option(help="T2-weighted MRI.")] = None,
    flair: Annotated[Path | None, typer.Option(help="FLAIR MRI.")] = None,
    pet: Annotated[Path | None, typer.Option(help="PET.")] = None,
    reference: Annotated[
        str,
        typer.Option(help="Modality on whose grid results are given, for example T1; the first one given if left out."),
    ] = "",
    registration: Annotated[Kind, typer.Option(help="none: the volumes share a space already.")] = Kind.rigid,
    transform: Annotated[
        list[str] | None,
        typer.Option(metavar="MODALITY=FILE", help="Use this transform instead of registering; may be repeated."),
    ] = None,
    initial: Annotated[
        list[str] | None,
        typer.Option(metavar="MODALITY=FILE", help="Start the registration from this transform; may be repeated."),
    ] = None,
    landmarks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY=FILE,FILE",
            help="Start the registration from these landmarks, in the reference and in that volume; may be repeated.",
        ),
    ] = None,
    seed: SeedOption = 0,
    model: Annotated[str, typer.Option(help="Name or folder of a model; see the command 'models'.")] = "default",
    probabilities: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Class whose probability map is kept; may be repeated.")
    ] = None,
    device: DeviceOption = Device.auto,
    engine: Annotated[
        Engine, typer.Option(help="What computes the network; auto: OpenVINO on a processor where it is installed.")
    ] = Engine.auto,
    threads: ThreadsOption = None,
    memory_limit: MemoryOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")] = False,
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Register and segment the volumes of one patient. For research use only."""
    given = {"CT": ct, "MR": mr, "T1": t1, "T1C": t1c, "T2": t2, "FLAIR": flair, "PET": pet}
    told = listener(events)
    with ending(told, out) as progress:
        from ..pipeline import run_segment
        from ..segment_options import SegmentOptions

        options = SegmentOptions(
            volumes={name: path for name, path in given.items() if path is not None},
            out=out,
            reference=reference.upper(),
            registration=registration.value,
            transforms=dict(_modality_and_file(text) for text in transform or ()),
            initial=dict(_modality_and_file(text, "--initial") for text in initial or ()),
            landmarks=dict(_modality_and_landmarks(text) for text in landmarks or ()),
            seed=seed,
            model=model,
            probabilities=tuple(probabilities or ()),
            device=device.value,
            engine=engine.value,
            threads=threads,
            memory_limit_mb=memory_limit,
            resume=resume,
            overwrite=overwrite,
            synthetic_detail=synthetic_detail,
        )
        run = run_segment(options, progress)
        tell_run(told, run)
        told.result(run_result(run))


def _modality_and_file(text: str, option: str = "--transform") -> tuple[str, Path]:
    name, sign, file = text.partition("=")
    if not sign or not file:
        raise InputError(f"{text!r} is not of the form MODALITY=FILE.", f"Write for example {option} MR=MR_to_CT.h5.")
    return name.upper(), Path(file)


def _modality_and_landmarks(text: str) -> tuple[str, tuple[Path, Path]]:
    name, _sign, files = text.partition("=")
    parts = files.split(",")
    cuts = [(",".join(parts[:n]), ",".join(parts[n:])) for n in range(1, len(parts))]
    pairs = [(Path(fixed), Path(moving)) for fixed, moving in cuts if fixed and moving]
    if not pairs:
        hint = "Write for example --landmarks MR=ct.mrk.json,mr.mrk.json."
        raise InputError(f"{text!r} is not of the form MODALITY=FILE,FILE.", hint)
    there = [pair for pair in pairs if all(file.is_file() for file in pair)]  # names may hold commas too
    return name.upper(), (there or pairs)[0]


def run_result(run: RunFolder) -> dict[str, Any]:
    """What a program is told about a finished run; the rest is in its run.json."""
    record = run.record
    return {
        "run": str(run.path),
        "segmentation": str(run.segmentation),
        "measurements": str(run.measurements),
        "aligned": {name: str(run.aligned(name)) for name in record["inputs"]},
        "transforms": {name: str(file) for name, file in run.transforms.items()},
        "reference": record["reference"],
        "registration": record["registration"],
        "lesion_presence": record["segmentation"]["lesion_presence"],
        "seconds": record["seconds"],
        "peak_memory_mb": record["peak_memory_mb"],
        "device": record["device"],
        "engine": record["segmentation"].get("engine", "torch"),
        "warnings": record["warnings"],
    }


def tell_run(told: Listener, run: RunFolder) -> None:
    """Tell a person in a few sentences what a run found, and its warnings."""
    from ..registration.landmarks import errors_text

    record = run.record
    for name, quality in record["registration"].items():
        before, after = quality["mutual_information_before"], quality["mutual_information_after"]
        told.say(
            f"{name} to {record['reference']}: {quality['kind']} registration, mutual information {before:.3f} before "
            f"and {after:.3f} after, overlap of the heads {quality['head_overlap']:.2f}."
        )
        if "landmarks" in quality:
            told.say(f"{quality['landmarks']['count']} landmarks: {errors_text(quality['landmarks'])}.")
    presence = record["segmentation"]["lesion_presence"]
    if presence is not None:
        told.say(f"Lesion score: {presence:.2f} (0 to 1; higher means more suspicious, it is not a probability).")
    seconds = ", ".join(f"{stage} {value:.1f}" for stage, value in record["seconds"].items())
    told.say(f"Seconds: {seconds}. Peak memory {record['peak_memory_mb']:.0f} MiB on {record['device']}.")
    told.say(f"Segmentation: {run.segmentation}", f"Measurements: {run.measurements}")
    for sentence in record["warnings"]:
        told.warn(sentence)
