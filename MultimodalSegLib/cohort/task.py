"""One case on a worker: the stages that its run folder lacks, and what became of it. Nothing here raises."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ..pipeline import run_segment
from ..restore import FinishedRun, restored_alignment, restored_segmentation
from ..run_folder import PARTIAL, RECORD, RunFolder
from ..segment_options import SegmentOptions
from .cases import CohortCase
from .held import held_bundle
from .options import CohortOptions
from .outcome import Outcome, failed, outcome_of_run
from .thumbnail import STAGE as THUMBNAIL
from .thumbnail import run_thumbnail
from .worker import Share, share


@dataclass(frozen=True)
class Model:
    """Which model: folder and name where the cohort was started, and the checksum of its weights."""

    path: str
    name: str
    checksum: str


@dataclass(frozen=True)
class Task:
    """One case as it is sent to a worker.

    Args:
        case: its volumes.
        out: its run folder.
        options: what to do.
        model: with which model.
        versions: of the program that started the cohort; a worker with others does nothing.
        neighbours: workers by host name, which share its processors.
    """

    case: CohortCase
    out: Path
    options: CohortOptions
    model: Model
    versions: tuple[tuple[str, str], ...] = ()
    neighbours: tuple[tuple[str, int], ...] = ()


def here() -> str:
    """Machine and process, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_task(task: Task) -> Outcome:
    """Do what is still missing of a case.

    Args:
        task: the case.

    Returns:
        What became of it; errors are part of that.

    Raises:
        ClusterError: this worker has other versions than the program that started the cohort.
    """
    part = share(task.versions, task.neighbours, task.options)
    try:
        run = _run(task, part)
        return outcome_of_run(task.case.id, run, task.options.stages, here())
    except Exception as error:
        return failed(task.case.id, error, here())


def _run(task: Task, part: Share) -> RunFolder:
    """The stages that were asked for and are not done."""
    options = task.options
    bundle = held_bundle(task.model.path, task.model.name, task.model.checksum)
    _remove_stillborn(task.out)
    run = run_segment(_segment_options(task, part), bundle=bundle)
    missing = [stage for stage in options.stages if stage != "segment" and not run.has(stage)]
    if not missing and run.has(THUMBNAIL) and not options.measure:
        return run
    finished = FinishedRun(run, bundle, restored_alignment(run), restored_segmentation(run, bundle))
    for stage in missing:
        DO[stage](finished, options, part)
    if options.measure and "uncertainty" not in missing:
        _measure(finished, options)
    if missing or not run.has(THUMBNAIL):
        run_thumbnail(finished)
    return run


def _segment_options(task: Task, part: Share) -> SegmentOptions:
    options = task.options
    return SegmentOptions(
        volumes=dict(task.case.volumes),
        out=task.out,
        reference=task.case.reference,
        registration=options.registration,
        model=task.model.path,
        device=part.device,
        engine=options.engine,
        threads=part.threads,
        memory_limit_mb=part.memory_mb(),
        seed=options.seed,
        resume=True,
        synthetic_detail=options.synthetic_detail,
    )


def _measure(run: FinishedRun, options: CohortOptions) -> None:
    from ..stages.measure import MeasureOptions, run_measure

    run_measure(run, MeasureOptions(synthetic_detail=options.synthetic_detail))


def _uncertainty(run: FinishedRun, options: CohortOptions, part: Share) -> None:
    from ..stages.uncertainty import UncertaintyOptions, run_uncertainty

    asked = UncertaintyOptions(
        device=part.device,
        threads=part.threads,
        memory_limit_mb=part.memory_mb(),
        seed=options.seed,
        synthetic_detail=options.synthetic_detail,
    )
    run_uncertainty(run, asked)
    _measure(run, options)  # the tables get the intervals


def _explain(run: FinishedRun, options: CohortOptions, part: Share) -> None:
    """What each modality contributed, and a map of the class that is asked for where it was found."""
    from ..stages.contributions import ContributionOptions, run_contributions
    from ..stages.explain import STAGE, class_of, run_explain
    from ..stages.explain_options import ExplainOptions

    labels, made_up = run.segmentation.labels.array, options.synthetic_detail
    if labels.any():
        run_contributions(run, ContributionOptions(part.device, part.threads, part.memory_mb(), made_up))
    name = options.explained or ("lesion" if run.bundle.metadata["lesion"] else "")
    if name and (labels == class_of(run.bundle, name).value).any():
        asked = ExplainOptions(
            name=name,
            thorough=False,
            device=part.device,
            threads=part.threads,
            memory_limit_mb=part.memory_mb(),
            synthetic_detail=made_up,
        )
        run_explain(run, asked)
    else:
        with run.folder.stage(STAGE, keep=True):  # there is nothing to explain
            pass


def _report(run: FinishedRun, options: CohortOptions, part: Share) -> None:
    from ..stages.report import ReportOptions, run_report

    run_report(run, ReportOptions(synthetic_detail=options.synthetic_detail))


DO = {"uncertainty": _uncertainty, "explain": _explain, "report": _report}


def _remove_stillborn(out: Path) -> None:
    """A worker that was killed before it had written the first record leaves a folder that is no run."""
    if (out / RECORD).is_file() or not out.is_dir():
        return
    entries = list(out.iterdir())
    if all(entry.name == RECORD + PARTIAL for entry in entries):
        for entry in entries:
            entry.unlink()
