"""An evaluation as CSV tables: every case and lesion, sums, comparisons, raters."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..report.tables import Row
from .bootstrap import Interval
from .measures import MEASURES
from .result import Evaluation
from .summary import MEAN, structure_names, value

Table = tuple[list[str], list[Row]]
INTERVAL = ("value", "low", "high", "patients")
LESION_COUNTS = ("lesions", "lesions_hit", "pieces_found", "pieces_false")
CALIBRATION = ("calibration_error", "calibration_error_near")


def tables(found: Evaluation) -> Mapping[str, Table]:
    """Titles and rows by file name; tables without a row are left out."""
    every = {
        "cases.csv": case_rows(found),
        "summary.csv": summary_rows(found),
        "comparisons.csv": comparison_rows(found),
        "lesions.csv": lesion_rows(found),
        "raters.csv": rater_rows(found),
    }
    return {name: table for name, table in every.items() if table[1]}


def case_rows(found: Evaluation) -> Table:
    """A row for each structure of each prediction; an empty cell is a measure that is not defined."""
    head = ["case", "patient", "model", "modalities", "group", "structure", "true_ml", "found_ml", *MEASURES]
    head += [*LESION_COUNTS, "lesion_sensitivity", "lesion_precision", "presence", "lesion_true", *CALIBRATION]
    rows = []
    for score in found.scores:
        entry = score.entry
        first = {"case": entry.case, "patient": entry.patient, "model": entry.model}
        first |= {"modalities": entry.modalities, "group": entry.group, "presence": cell(entry.presence)}
        first |= {"lesion_true": "yes" if score.lesion_true else "no"} if score.lesions else {}
        for title, curve in zip(CALIBRATION, (score.calibration, score.calibration_near), strict=True):
            first |= {title: cell(curve.error)} if curve is not None else {}
        for name in structure_names(found.scores):
            cells = first | {"structure": name} | {m: cell(value(score, name, m)) for m in MEASURES}
            if name != MEAN:
                one = score.structures[name]
                cells |= {"true_ml": cell(one.true_ml), "found_ml": cell(one.found_ml)}
            if name in score.lesions:
                c = score.lesions[name]
                cells |= dict(zip(LESION_COUNTS, map(str, (c.true, c.hit, c.found, c.false)), strict=True))
                cells |= {"lesion_sensitivity": cell(c.sensitivity), "lesion_precision": cell(c.precision)}
            rows.append(cells)
    return head, rows


def lesion_rows(found: Evaluation) -> Table:
    """A row for each true lesion that counts."""
    rows = [
        {
            "case": score.entry.case,
            "model": score.entry.model,
            "modalities": score.entry.modalities,
            "structure": structure,
            "number": str(number),
            "true_ml": cell(lesion.ml),
            "dice": cell(lesion.dice),
        }
        for score in found.scores
        for structure, lesions in score.single_lesions.items()
        for number, lesion in enumerate(lesions, start=1)
    ]
    return ["case", "model", "modalities", "structure", "number", "true_ml", "dice"], rows


def summary_rows(found: Evaluation) -> Table:
    """A row for each measure of each structure and stratum; figures of lesions, presence and modalities below."""
    head = ["model", "modalities", "group", "structure", "measure", "unit", *INTERVAL]
    head += ["median", "least", "largest", "undefined"]
    rows = []
    for stratum, summaries in found.summaries.items():
        first = {"model": stratum.model, "modalities": stratum.modalities, "group": stratum.group}
        for (structure, name), summary in summaries.items():
            cells = first | {"structure": structure, "measure": name, "unit": MEASURES[name].unit}
            cells |= {key: cell(getattr(summary, key)) for key in ("median", "least", "largest")}
            rows.append(cells | interval_cells(summary.mean) | {"undefined": str(summary.undefined)})
        figures: list[tuple[str, str, Interval]] = []
        for (place, structure), lesions in found.lesions.items():
            if place == stratum:
                names = ("sensitivity", "precision", "false_per_case", "dice")
                figures += [(structure, f"lesion_{name}", getattr(lesions, name)) for name in names]
        if stratum in found.detections:
            seen = found.detections[stratum]
            figures += [("", f"detection_{name}", getattr(seen, name)) for name in ("sensitivity", "specificity")]
        if stratum in found.presence:
            told = found.presence[stratum]
            figures += [("", f"presence_{name}", getattr(told, name)) for name in ("auc", "sensitivity", "specificity")]
        if not stratum.group:
            figures += [
                ("", f"cross_modality_error {error.first} {error.second}", error.error)
                for error in found.modality_errors
                if error.model == stratum.model and error.first == stratum.modalities
            ]
            figures += [
                ("", f"fusion_gain over {gain.gain.better}", gain.gain.gain)
                for gain in found.gains
                if (gain.model, gain.together) == (stratum.model, stratum.modalities)
            ]
        rows += [first | {"structure": s, "measure": name} | interval_cells(i) for s, name, i in figures]
    return head, rows


def comparison_rows(found: Evaluation) -> Table:
    """A row for each pair of models, structure and measure."""
    head = ["first", "second", "modalities", "structure", "measure", "difference", "low", "high", "patients"]
    head += ["p_t", "p_t_holm", "p_wilcoxon", "p_wilcoxon_holm"]
    rows = []
    for entry in found.comparisons:
        difference = interval_cells(entry.test.difference)
        cells = {"first": entry.first, "second": entry.second, "modalities": entry.modalities}
        cells |= {"structure": entry.structure, "measure": entry.measure, "difference": difference.pop("value")}
        cells |= {"p_t": cell(entry.test.t), "p_t_holm": cell(entry.t_holm)}
        cells |= {"p_wilcoxon": cell(entry.test.wilcoxon), "p_wilcoxon_holm": cell(entry.wilcoxon_holm)}
        rows.append(cells | difference)
    return head, rows


def rater_rows(found: Evaluation) -> Table:
    """A row for each rater, or pair of raters, of each structure of each case."""
    head = ["case", "structure", "raters", "measure", "value"]
    rows, seen = [], set()
    for score in found.scores:
        if score.entry.references in seen:
            continue
        seen.add(score.entry.references)
        for structure, agreement in score.raters.items():
            figures = {(f"{a + 1} and {b + 1}", "cohen_kappa"): kappa for (a, b), kappa in agreement.cohen.items()}
            figures["all", "fleiss_kappa"] = agreement.fleiss
            for name in ("sensitivity", "specificity", "dice"):
                title = "consensus_dice" if name == "dice" else f"staple_{name}"
                figures |= {(str(n + 1), title): v for n, v in enumerate(getattr(agreement, name))}
            first = {"case": score.entry.case, "structure": structure}
            rows += [first | {"raters": r, "measure": m, "value": cell(v)} for (r, m), v in figures.items()]
    return head, rows


def interval_cells(interval: Interval) -> Row:
    """Value, low, high and number of patients."""
    numbers = (interval.mean, interval.low, interval.high)
    return dict(zip(INTERVAL, (*map(cell, numbers), str(interval.count)), strict=True))


def cell(number: float) -> str:
    """Six significant digits; empty for NaN."""
    return "" if math.isnan(number) else f"{number:.6g}"
