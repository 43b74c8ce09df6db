"""What each modality contributed to a finished run: table, chart and the fusion weights as volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..explain.contributions import Contribution, contributions, sentences, write_record, write_table
from ..explain.parts import Part, parts_of
from ..explain.shapley import Coalition, coalitions
from ..images.io import write_volume
from ..images.synthetic import check_choice, synthetic_inputs
from ..images.volume import Volume
from ..progress import Event, Progress, silent
from ..restore import FinishedRun

STAGE = "contributions"
FOLDER = "explanation"


@dataclass(frozen=True)
class ContributionOptions:
    """How to run the network.

    Args:
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        threads: processor threads; torch's own choice if None.
        memory_limit_mb: what the network may take beyond what is in use now; all free memory if None.
        synthetic_detail: ask although the detail of a volume was made up.
    """

    device: str = "auto"
    threads: int | None = None
    memory_limit_mb: float | None = None
    synthetic_detail: bool = False


def run_contributions(
    run: FinishedRun, options: ContributionOptions | None = None, progress: Progress = silent
) -> list[Contribution]:
    """Ask the network about every set of the run's modalities, 2^M - 1 times, and leave the answers in the run folder.

    All runs see the same part of the patient, prepared once; an absent modality is not in the network's set, it is
    never a volume of zeros. Writes ``explanation/contributions.csv``, ``.json`` and ``.png`` and
    ``explanation/fusion.<MODALITY>.nrrd``.

    Args:
        run: a finished run.
        options: how to run the network.
        progress: told how far the work is, stage ``"contributions"``; may raise to stop.

    Returns:
        What the modalities are worth to each structure, then to each lesion.

    Raises:
        InputError: the segmentation is empty, an unknown device, or synthetic detail that nobody chose to explain.
        OutOfMemoryError: not even small windows fit.

    Example:
        >>> for entry in run_contributions(open_run("run")):     # doctest: +SKIP
        ...     print(entry.part.name, entry.shapley)
    """
    options = options or ContributionOptions()
    check_choice(synthetic_inputs(run.folder.record), options.synthetic_detail)
    progress(Event(STAGE, 0, 1, "Preparing the volumes"))
    parts, points, left_out = parts_of(run.segmentation)
    if not parts:
        raise InputError(
            f"The segmentation in {run.folder.path} is empty.", "Segment volumes that show what the model knows."
        )
    with run.folder.stage(STAGE):
        names, scores, found, fusion = _answers(run, parts, points, options, progress)
        told = contributions(parts, names, scores, found)
        for name, volume in fusion.items():
            run.folder.write(run.folder.path / FOLDER / f"fusion.{name}.nrrd", partial(write_volume, volume))
        _write(run, told, len(scores))
        if left_out:
            run.folder.warn(f"{left_out} of the smallest lesions were left out of the contributions of the modalities.")
    progress(Event(STAGE, 1, 1, "Found what each modality contributed"))
    return told


def _answers(
    run: FinishedRun, parts: Sequence[Part], points: Sequence[np.ndarray], options: ContributionOptions, tell: Progress
) -> tuple[list[str], dict[Coalition, np.ndarray], dict[Coalition, np.ndarray], dict[str, Volume]]:
    """The modalities that show something, scores and shares found by their sets, and the fusion weights of all."""
    from ..inference.fitting import fitting_answer
    from ..inference.points import Target, read_target, target_channel
    from ..inference.predict import labelling_of
    from ..inference.view import network_view
    from ..networks.device import choose_device, processor_threads

    device, labelling = choose_device(options.device), labelling_of(run.bundle)
    targets = [Target(*target_channel(labelling, p.value), at) for p, at in zip(parts, points, strict=True)]
    scores, found = {}, {}
    with processor_threads(options.threads):
        view = network_view(run.bundle, run.aligned.volumes)
        sets = coalitions(view.names)
        for n, chosen in enumerate(sets):
            keep = [index for index, name in enumerate(view.names) if name in chosen]
            what = f"Asking the network with {' and '.join(view.names[index] for index in keep)}"

            def report(done: float, _text: str, n: int = n, what: str = what) -> None:
                tell(Event(STAGE, n + done, len(sets), what))

            report(0.0, "")
            limit = options.memory_limit_mb
            answer, _ = fitting_answer(run.bundle, view.images[keep], view.family[keep], device, limit, report)
            told = np.array([read_target(answer.logits, view.grid, target, labelling) for target in targets])  # (N, 2)
            scores[chosen], found[chosen] = told.T
            if n == 0:
                grid = run.aligned.grid
                fusion = {name: view.on(grid, answer.fusion[m]) for m, name in enumerate(view.names)}
            del answer
    return list(view.names), scores, found, fusion


def _write(run: FinishedRun, told: Sequence[Contribution], runs: int) -> None:
    """Table, record and chart."""
    folder = run.folder.path / FOLDER
    run.folder.write(folder / "contributions.csv", partial(write_table, told))
    run.folder.write(folder / "contributions.json", partial(write_record, told, runs))
    run.folder.record[STAGE] = {"network_runs": runs, "sentences": sentences(told)}
    try:
        from matplotlib.figure import Figure  # noqa: F401
    except ImportError:
        run.folder.warn("The chart of the contributions was left out, because matplotlib is not installed.")
        return
    run.folder.write(folder / "contributions.png", partial(_chart, told))


def _chart(told: Sequence[Contribution], path: Path) -> None:
    from ..explain.contribution_chart import write_chart

    write_chart(told, path)
