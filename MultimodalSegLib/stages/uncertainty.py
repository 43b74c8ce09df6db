"""How sure a finished run is: maps of doubt, intervals for its volumes, agreement of the views, and quality flags."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..images.io import write_volume
from ..images.synthetic import check_choice, synthetic_inputs
from ..inference.flags import (
    Estimate,
    Flag,
    asymmetries,
    cut_field_of_view,
    misplaced,
    misregistered,
    out_of_distribution,
)
from ..models.bundle import load_bundle
from ..progress import Event, Progress, silent
from ..registration.register import registration_warnings
from ..restore import FinishedRun
from .measure import write_intervals

if TYPE_CHECKING:
    from ..inference.uncertainty.doubt import Doubt
    from ..inference.view import NetworkView

STAGE = "uncertainty"


@dataclass(frozen=True)
class UncertaintyOptions:
    """How to doubt a run.

    Args:
        method: ``"tta"`` (test-time augmentation), ``"dropout"`` (Monte-Carlo) or ``"ensemble"`` (of several models).
        samples: answers that are compared, each one run of the network; an ensemble gives one for each model.
        ensemble: names or folders of the models beside the run's own.
        views: also compare the axial, coronal and sagittal views; three more runs.
        alone: also compare what each modality alone says, where there are several; one more run for each.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        threads: processor threads; torch's own choice if None.
        memory_limit_mb: what a run of the network may take; all free memory if None.
        seed: the same one gives the same result.
        synthetic_detail: doubt it although the detail of a volume was made up.
    """

    method: str = "tta"
    samples: int = 8
    ensemble: tuple[str, ...] = ()
    views: bool = False
    alone: bool = False
    device: str = "auto"
    threads: int | None = None
    memory_limit_mb: float | None = None
    seed: int = 0
    synthetic_detail: bool = False


def run_uncertainty(
    run: FinishedRun, options: UncertaintyOptions | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Ask the network again about changed cases, and leave in the run folder how far its answers agree.

    Writes ``uncertainty/entropy.nrrd`` and ``disagreement.nrrd`` (nats, on the reference grid), ``summary.json``, the
    flags into run.json, and the intervals into ``measurements.csv``. Done again, it replaces these.

    Args:
        run: a finished run.
        options: how.
        progress: takes the events of the stage ``"uncertainty"``; may raise to stop, and nothing is changed then.

    Returns:
        The content of ``summary.json``.

    Raises:
        InputError: an unknown method or device, too few samples, a network that cannot be thinned, or synthetic detail
            that nobody chose to doubt.
        ModelError: the models of an ensemble do not belong together.
        OutOfMemoryError: not even small windows fit.

    Example:
        >>> summary = run_uncertainty(open_run("run"))     # doctest: +SKIP
        >>> summary["volumes"]["17"]["low_ml"]             # doctest: +SKIP
    """
    options = options or UncertaintyOptions()
    if options.ensemble and options.method != "ensemble":
        raise InputError(f"The method {options.method!r} uses one model.", "Add --method ensemble.")
    check_choice(synthetic_inputs(run.folder.record), options.synthetic_detail)
    with run.folder.stage(STAGE):
        view, told = _asked(run, options, progress)
        volumes = _volumes(run, told, view, options.method)
        flags = _flags(run, told, volumes)
        summary = _summary(run, options, told, volumes)
        _forget_earlier(run)
        _write(run, view, told, summary)
        run.folder.record["flags"] = [asdict(flag) for flag in flags]
        for flag in flags:
            if flag.level != "info":
                run.folder.warn(flag.sentence)
    write_intervals(run.folder)
    progress(Event(STAGE, told.runs, told.runs, "Answers compared"))
    return summary


def _asked(run: FinishedRun, options: UncertaintyOptions, progress: Progress) -> tuple[NetworkView, Doubt]:
    """Every run of the network."""
    from ..inference.uncertainty.doubt import doubt
    from ..inference.uncertainty.sampling import Runner
    from ..inference.view import network_view
    from ..networks.device import choose_device, processor_threads

    others = [load_bundle(name) for name in options.ensemble]
    runner = Runner(run.bundle, choose_device(options.device), options.memory_limit_mb)
    progress(Event(STAGE, 0, 1, "Preparing the volumes"))
    with processor_threads(options.threads):
        view = network_view(run.bundle, run.aligned.volumes)
        told = doubt(
            runner,
            view,
            method=options.method,
            samples=options.samples,
            others=others,
            views=options.views,
            alone=run.aligned.reference if options.alone else "",
            seed=options.seed,
            report=lambda done, total, text: progress(Event(STAGE, done, total, text)),
        )
    return view.without_images(), told


def _volumes(run: FinishedRun, told: Doubt, view: NetworkView, method: str) -> dict[int, dict[str, Any]]:
    """Every structure that the run or an answer has found, with an interval.

    Where the model's calibration was not made with this method and as many answers, or not for a structure, the
    interval is the range of the answers, and has no level.
    """
    from ..inference.uncertainty.conformal import Conformal, spread

    labels = run.segmentation.labels
    counts = np.bincount(labels.array.ravel())
    conformal, names, found = Conformal.of(run.bundle.metadata), run.bundle.structure_names(), {}
    holds = conformal is not None and conformal.holds(method, len(told.samples.voxels))
    for entry in run.bundle.classes():
        ml = float(counts[entry.value]) * labels.grid.voxel_ml if entry.value < len(counts) else 0.0
        answers = [voxels.get(entry.value, 0) * view.grid.voxel_ml for voxels in told.samples.voxels]
        if not ml and not any(answers):
            continue
        relative, name = spread(answers), names[entry.value]
        interval = conformal.interval(name, ml, relative) if conformal is not None and holds else None
        low, high = interval or (min(ml, *answers), max(ml, *answers))
        numbers = {"ml": ml, "low_ml": low, "high_ml": high, "spread": relative}
        found[entry.value] = {
            "name": entry.name,
            **{key: round(number, 4) for key, number in numbers.items()},
            "level": conformal.level if conformal is not None and interval else None,
            "coverage": conformal.coverage.get(name) if conformal is not None and interval else None,
        }
    return found


def _flags(run: FinishedRun, told: Doubt, volumes: dict[int, dict[str, Any]]) -> list[Flag]:
    """Everything that makes the result doubtful."""
    from ..inference.uncertainty.typical import Typical, composition

    metadata, aligned, classes = run.bundle.metadata, run.aligned, run.bundle.classes()
    typical, found = Typical.of(metadata), []
    if typical is not None:
        case = composition({value: row["ml"] for value, row in volumes.items()}, run.bundle)
        found += out_of_distribution(typical.distance(case), typical.limit)
    found += cut_field_of_view(run.segmentation.labels, classes)
    for name, registration in aligned.registrations.items():
        sentences = registration_warnings(name, aligned.reference, registration)
        found += [misregistered(sentence, registration.quality.light) for sentence in sentences]
    for name, place in told.alone.items():
        found += misplaced(name, aligned.reference, place.dice, place.distance_mm)
    estimates = {value: Estimate(row["ml"], row["low_ml"], row["high_ml"]) for value, row in volumes.items()}
    return found + asymmetries(estimates, classes, metadata.get("asymmetry", {}))


def _summary(
    run: FinishedRun, options: UncertaintyOptions, told: Doubt, volumes: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    calibration = run.bundle.metadata.get("calibration", {})
    names = {c.value: c.name for c in run.bundle.classes()}
    return {
        "method": options.method,
        "samples": len(told.samples.voxels),
        "network_runs": told.runs,
        "seed": options.seed,
        "temperature": calibration.get("temperature"),
        "ece_before": calibration.get("ece_before"),
        "ece_after": calibration.get("ece_after"),
        "reliability": calibration.get("reliability", {}),
        "unit": "nat",
        "views": {names[value]: round(dice, 4) for value, dice in told.views.items()},
        "alone": {name: asdict(place) for name, place in told.alone.items()},
        "volumes": {str(value): row for value, row in volumes.items()},
    }


def _forget_earlier(run: FinishedRun) -> None:
    """Before files are replaced: run.json no longer vouches for them, nor for what an earlier doubt has said."""
    record = run.folder.record
    said = {flag["sentence"] for flag in record.get("flags", ())}
    own = {
        s
        for name, r in run.aligned.registrations.items()
        for s in registration_warnings(name, run.aligned.reference, r)
    }
    record["warnings"] = [sentence for sentence in record["warnings"] if sentence not in said - own]
    record.pop("flags", None)
    record["stages"].pop(STAGE, None)
    run.folder.save()


def _write(run: FinishedRun, view: NetworkView, told: Doubt, summary: dict[str, Any]) -> None:
    folder, grid = run.folder.path / "uncertainty", run.aligned.grid
    for name, values in (("entropy", told.samples.entropy()), ("disagreement", told.samples.disagreement())):
        run.folder.write(folder / f"{name}.nrrd", partial(write_volume, view.on(grid, values)))

    def write_summary(path: Path) -> None:
        path.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    run.folder.write(folder / "summary.json", write_summary)
    run.folder.record[STAGE] = {key: summary[key] for key in ("method", "samples", "network_runs")}
