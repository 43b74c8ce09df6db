"""From files to a run folder: read, register, segment, measure; each stage can be taken up again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

import SimpleITK as sitk

from .checksum import checksum
from .errors import InputError
from .images.case import Case
from .images.compression import fast_level
from .images.io import read_volume, write_volume
from .images.suv import pet_unit
from .images.synthetic import check_choice, has_synthetic_detail
from .images.synthetic import warning as synthetic_warning
from .images.volume import Volume
from .inference.segmentation import Segmentation
from .machine import versions
from .models.bundle import Bundle, load_bundle
from .notice import RESEARCH_USE
from .progress import Event, Progress, silent
from .registration.align import align
from .registration.aligned import AlignedCase
from .registration.landmark_file import read_landmarks
from .registration.landmarks import Landmarks, landmark_warnings
from .registration.register import registration_warnings
from .registration.transform_file import read_transform, write_transform
from .restore import FinishedRun, restored_alignment, restored_segmentation
from .run_folder import RunFolder
from .segment_options import SegmentOptions
from .stages.measure import MeasureOptions, run_measure

STAGES = ("read", "register", "segment", "measure")
Pairs = Mapping[str, Landmarks]


def run_segment(options: SegmentOptions, progress: Progress = silent, bundle: Bundle | None = None) -> RunFolder:
    """Register and segment one case and leave everything in a run folder.

    Args:
        options: what to do.
        progress: takes the events of the stages ``"read"``, ``"register"``, ``"segment"`` and ``"measure"``.
        bundle: the model that the options name, where it is loaded already.

    Returns:
        The finished run folder.

    Raises:
        MultimodalSegError: input, output, model, registration or memory errors; the run folder, where it could be
            made, then says ``"failed"`` or ``"stopped"`` and keeps the results of the finished stages.
    """
    bundle = bundle or load_bundle(options.model, options.device)
    bundle.check_segments()
    for name in options.volumes:
        bundle.family_index(name)  # refuses early what the network was not made for
    known = {entry.name.lower() for entry in bundle.classes()} | ({"lesion"} if bundle.metadata["lesion"] else set())
    for name in options.probabilities:
        if name.lower() not in known:
            raise InputError(f"The model has no class {name!r}.", "The command 'models describe' lists its classes.")
    made_up = [name for name, path in options.volumes.items() if has_synthetic_detail(path)]
    check_choice(made_up, options.synthetic_detail)
    pairs = {name: read_landmarks(*files) for name, files in options.landmarks.items()}
    run = _begin(options, bundle)
    for name in made_up:
        run.record["inputs"][name]["synthetic_detail"] = True
        run.warn(synthetic_warning(name))
    if run.status == "finished":
        return run
    if options.threads:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    with run.working():
        aligned = restored_alignment(run) if run.has("register") else _register(run, options, pairs, progress)
        segmentation = (
            restored_segmentation(run, bundle)
            if run.has("segment")
            else _segment(run, options, bundle, aligned, progress)
        )
        chosen = MeasureOptions(synthetic_detail=options.synthetic_detail)
        run_measure(FinishedRun(run, bundle, aligned, segmentation), chosen, progress)
    return run


def _begin(options: SegmentOptions, bundle: Bundle) -> RunFolder:
    """Make the run folder, or open the one to go on with after checking that it is the same work."""
    initial = {name: checksum(path) for name, path in options.initial.items()}
    landmarks = {name: [checksum(path) for path in files] for name, files in options.landmarks.items()}
    record: dict[str, Any] = {
        "inputs": {name: {"path": str(path.absolute())} for name, path in options.volumes.items()},
        "reference": options.reference,
        "parameters": {
            "registration": options.registration,
            "transforms": {name: checksum(path) for name, path in options.transforms.items()},
            **({"initial": initial} if initial else {}),
            **({"landmarks": landmarks} if landmarks else {}),
            "probabilities": list(options.probabilities),
            "seed": options.seed,
        },
        "model": {
            "name": bundle.name,
            "version": bundle.version,
            "checksum": bundle.checksum,
            "path": str(bundle.path),
        },
        "versions": versions(),
        "warnings": [RESEARCH_USE],
    }
    if not (options.resume and (options.out / "run.json").is_file()):
        return RunFolder.create(options.out, record, overwrite=options.overwrite)
    run = RunFolder.open(options.out)
    _check_same_work(run, record)
    for name, entry in run.record["inputs"].items():
        if "sha256" in entry and checksum(options.volumes[name]) != entry["sha256"]:
            raise InputError(f"The {name} volume is not the one of the run in {run.path}.", _RESUME_HINT)
    run.verify()
    if not all(run.has(stage) for stage in STAGES) and run.status == "finished":
        run.record["status"] = "stopped"  # a result was deleted since
    return run


_RESUME_HINT = "Give the same input and parameters as before, or choose another folder."


def _check_same_work(run: RunFolder, record: Mapping[str, Any]) -> None:
    """A run goes on only with the volumes, the parameters, the model and the version that it began with."""
    was, now = run.record, record
    compared = {
        "volumes": (sorted(was["inputs"]), sorted(now["inputs"])),
        "reference": (was["reference"], now["reference"]),
        "model": (was["model"]["checksum"], now["model"]["checksum"]),
        "version": (was["versions"]["MultimodalSeg"], now["versions"]["MultimodalSeg"]),
        **{name: (was["parameters"].get(name), value) for name, value in now["parameters"].items()},
    }
    for name, (before, asked) in compared.items():
        if before != asked:
            raise InputError(
                f"The run in {run.path} was made with another {name} ({before}) than asked for now ({asked}).",
                _RESUME_HINT,
            )


def _read(run: RunFolder, options: SegmentOptions, progress: Progress) -> Case:
    """Read the volumes; their checksums and grids go into run.json."""
    volumes = {}
    with run.stage("read"), ThreadPoolExecutor(len(options.volumes)) as pool:
        sums = {name: pool.submit(checksum, path) for name, path in options.volumes.items()}
        files = {name: pool.submit(read_volume, path) for name, path in options.volumes.items() if not path.is_dir()}
        for count, (name, path) in enumerate(options.volumes.items()):
            progress(Event("read", count, len(options.volumes), f"reading {name}"))
            with warnings.catch_warnings(record=True) as told:  # a DICOM folder may hold several series
                warnings.simplefilter("always", UserWarning)
                volumes[name] = files[name].result() if name in files else read_volume(path)
            for warning in told:
                run.warn(f"{name}: {warning.message}")
            grid = volumes[name].grid
            run.record["inputs"][name] |= {"sha256": sums[name].result(), "size": grid.size, "spacing": grid.spacing}
            if name == "PET" and path.is_dir():
                unit = pet_unit(path)
                run.record["inputs"][name]["unit"] = asdict(unit)
                if unit.reason:
                    run.warn(unit.reason)
        progress(Event("read", len(volumes), len(volumes)))
    return Case(volumes, options.reference)


def _register(run: RunFolder, options: SegmentOptions, pairs: Pairs, progress: Progress) -> AlignedCase:
    """Bring the volumes onto the reference grid; keep transforms, aligned volumes and the measured quality."""
    case = _read(run, options, progress)
    with run.stage("register"):
        progress(Event("register", 0, 1, "no registration asked for" if options.registration == "none" else ""))
        given, starts = (
            {name: read_transform(path) for name, path in files.items()}
            for files in (options.transforms, options.initial)
        )
        kind, seed = options.registration, options.seed
        if kind != "none":
            starts |= {name: entry.transform() for name, entry in pairs.items() if name not in given}
        aligned = align(case, kind, seed=seed, transforms=given, initial=starts, progress=progress)
        run.record["registration"] = {}
        for name, registration in aligned.registrations.items():
            file = run.path / "transforms" / f"{name}_to_{aligned.reference}.h5"
            run.write(file, partial(write_transform, registration.transform))
            run.record["registration"][name] = {
                "kind": registration.kind,
                "seconds": round(registration.seconds, 3),
                **asdict(registration.quality),
            }
            if name in pairs:
                errors = run.record["registration"][name]["landmarks"] = pairs[name].errors(registration.transform)
                for sentence in landmark_warnings(name, aligned.reference, errors):
                    run.warn(sentence)
            for sentence in registration_warnings(name, aligned.reference, registration):
                run.warn(sentence)
        run.record["coverage"] = dict(aligned.coverage)
        with ThreadPoolExecutor(len(aligned.volumes)) as pool:  # compressing takes the time
            waits = [pool.submit(_write_aligned, run, name, volume) for name, volume in aligned.volumes.items()]
        for wait in waits:
            wait.result()
        progress(Event("register", 1, 1))
    return aligned


def _write_aligned(run: RunFolder, name: str, volume: Volume) -> None:
    level = fast_level(volume.array)
    run.write(run.aligned(name), partial(write_volume, volume, compression=level))


def _segment(
    run: RunFolder, options: SegmentOptions, bundle: Bundle, aligned: AlignedCase, progress: Progress
) -> Segmentation:
    """Run the network; keep the label map, asked-for probabilities and what the model says about the case."""
    with run.stage("segment"):
        progress(Event("segment", 0, 1, "loading the network"))
        from .inference.predict import segment  # imports torch
        from .inference.scaling import Scaling
        from .report.seg_nrrd import write_segmentation

        segmentation = segment(
            aligned,
            bundle,
            probabilities=options.probabilities,
            device=options.device,
            memory_limit_mb=options.memory_limit_mb,
            threads=options.threads,
            engine=options.engine,
            progress=progress,
        )
        run.write(run.segmentation, partial(write_segmentation, segmentation))
        for name, volume in segmentation.probabilities.items():
            file = run.path / "probabilities" / f"{name.replace('/', '_')}.nrrd"
            run.write(file, partial(write_volume, volume))
        run.record["device"] = segmentation.device
        run.record["segmentation"] = {
            "lesion_presence": segmentation.lesion_presence,
            "modality_weights": dict(segmentation.modality_weights),
            "windows": segmentation.windows,
            "engine": segmentation.engine,
            "network_seconds": round(segmentation.seconds, 3),
            "warnings": list(segmentation.warnings),
        }
        if segmentation.probabilities:
            scaling = Scaling.of(bundle.metadata)
            run.record["segmentation"]["probabilities"] = {"calibrated": scaling != Scaling(), **asdict(scaling)}
        for sentence in segmentation.warnings:
            run.warn(sentence)
        progress(Event("segment", 1, 1))
    return segmentation
