"""Measure a run: ``measurements.csv``, ``lesions.csv``, ``explanation/modalities.csv``; if asked, ``changes.csv``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..explain.explanation import explain, write_modalities
from ..images.synthetic import check_choice, synthetic_inputs
from ..images.units import Unit, usual_unit
from ..progress import Event, Progress, silent
from ..report.at_risk import structures_at_risk
from ..report.corrected import holding_intervals
from ..report.report import report
from ..report.tables import change_rows, lesion_rows, read_table, structure_rows, with_intervals, write_table
from ..restore import FinishedRun
from ..run_folder import RunFolder
from .earlier import Earlier, Followup, compare

STAGE = "measure"
CHANGES = "changes.csv"


@dataclass(frozen=True)
class MeasureOptions:
    """What :func:`run_measure` shall do.

    Args:
        at_risk: names or parts of names of the structures to which the lesions' distances are wanted; the brain stem,
            the optic nerves and the hippocampi, as far as the model knows them, if empty.
        earlier: an earlier run of the patient and how to bring it into this one's space, or None.
        synthetic_detail: measure although the detail of a volume was made up.
    """

    at_risk: tuple[str, ...] = ()
    earlier: Earlier | None = None
    synthetic_detail: bool = False


def run_measure(
    run: FinishedRun, options: MeasureOptions | None = None, progress: Progress = silent
) -> Followup | None:
    """Measure what was segmented; doing it again replaces the tables.

    Args:
        run: a run that has been segmented.
        options: what to do.
        progress: takes the events of the stage ``"measure"``.

    Returns:
        The comparison with the earlier run, if one was given.

    Raises:
        InputError: an unknown structure at risk, an earlier run that cannot be read, or synthetic detail that nobody
            chose to measure.
        RegistrationError: the heads of the two runs do not come to overlap.
    """
    options = options or MeasureOptions()
    folder = run.folder
    check_choice(synthetic_inputs(folder.record), options.synthetic_detail)
    at_risk = structures_at_risk(run.bundle.classes(), options.at_risk)
    with folder.stage(STAGE):
        progress(Event(STAGE, 0, 1, "structures and lesions"))
        explanation = explain(run.segmentation)
        units = known_units(folder)
        told = report(run.segmentation, run.aligned, explanation, units, at_risk)
        followup = compare(run, told.lesions, options.earlier, progress) if options.earlier else None
        found = followup.changes if followup else None
        folder.write(folder.path / "explanation" / "modalities.csv", partial(write_modalities, explanation))
        intervals = holding_intervals(folder.record, uncertainty_summary(folder))
        structures = structure_rows(told.measurements, told.lesions, units, intervals)
        folder.write(folder.measurements, partial(write_table, structures))
        folder.write(folder.lesions, partial(write_table, lesion_rows(told.lesions, units, found)))
        (folder.path / CHANGES).unlink(missing_ok=True)
        if found is not None:
            folder.write(folder.path / CHANGES, partial(write_table, change_rows(found)))
        folder.record["measurements"] = {
            "lesions": len(told.lesions),
            "at_risk": [entry.name for entry in at_risk],
            **({"followup": followup.record()} if followup else {}),
        }
        for sentence in told.flags:
            folder.warn(sentence)
        progress(Event(STAGE, 1, 1))
    return followup


def write_intervals(folder: RunFolder) -> None:
    """Put the intervals of ``uncertainty/summary.json`` into a ``measurements.csv`` that was written before them.

    Everything else that was measured stays as it is; a run that was not measured stays so. Only whole classes have
    intervals: ``lesions.csv`` has none, because the answers are not compared lesion by lesion.

    Args:
        folder: of the run; the stage ``"uncertainty"`` has finished.

    Raises:
        OutputError: the table cannot be written.
    """
    if folder.has(STAGE):
        table = with_intervals(read_table(folder.measurements), uncertainty_summary(folder))
        with folder.stage(STAGE, keep=True):
            folder.write(folder.measurements, partial(write_table, table))


def measure_again(run: FinishedRun, progress: Progress = silent) -> bool:
    """Measure a run whose tables a correction has removed, as it was measured before.

    Returns:
        Whether there was anything to do; a run that was never measured stays so.
    """
    before = run.folder.record.get("measurements")
    if before is None or run.folder.has(STAGE):
        return False
    if before.get("followup"):
        run.folder.warn("The comparison with the earlier run was left out after a correction; measure it again.")
    run_measure(run, MeasureOptions(tuple(before["at_risk"]), synthetic_detail=True), progress)
    return True


def known_units(folder: RunFolder) -> dict[str, Unit]:
    """Unit of every input: as its header told, else the usual one."""
    inputs = folder.record["inputs"]
    return {name: Unit(**entry["unit"]) if "unit" in entry else usual_unit(name) for name, entry in inputs.items()}


def uncertainty_summary(folder: RunFolder) -> dict[str, Any]:
    """Content of ``uncertainty/summary.json``, empty if there is none that can be read."""
    try:
        found = json.loads((folder.path / "uncertainty" / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
