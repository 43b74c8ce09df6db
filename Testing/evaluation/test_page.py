"""The page and the tables of a study with everything in it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MultimodalSegLib.evaluation.agreement import RaterAgreement
from MultimodalSegLib.evaluation.cases import EvaluationCase
from MultimodalSegLib.evaluation.lesion_scores import LesionCounts, LesionScore
from MultimodalSegLib.evaluation.matching import Matching
from MultimodalSegLib.evaluation.measures import MEASURES, StructureScore
from MultimodalSegLib.evaluation.overlap import Counts
from MultimodalSegLib.evaluation.page import page
from MultimodalSegLib.evaluation.plots import MOST_ROWS, shown_structures
from MultimodalSegLib.evaluation.result import Evaluation, EvaluationOptions
from MultimodalSegLib.evaluation.score import CaseScore
from MultimodalSegLib.evaluation.structure_list import Structure
from MultimodalSegLib.evaluation.summary import MEAN, summarize
from MultimodalSegLib.evaluation.surfaces import SurfaceScore
from MultimodalSegLib.evaluation.tables import tables
from MultimodalSegLib.inference.uncertainty.calibration import reliability
from MultimodalSegLib.notice import RESEARCH_USE
from MultimodalSegLib.report.document.content import Pictures, Table
from MultimodalSegLib.report.document.html import html

STRUCTURES = (
    Structure("<b>brain</b>", frozenset({1}), frozenset({1})),
    Structure("lesion", frozenset({2}), frozenset({2}), True),
)


def a_score(case: int, model: str, modalities: str, rng: np.random.Generator) -> CaseScore:
    lesion, hits = case % 2 == 0, int(rng.integers(50, 95)) - 10 * (model == "poor")
    entry = EvaluationCase(
        f"case {case}", Path("p"), (Path(f"{case}a"), Path(f"{case}b")), model, modalities, f"site {case % 2}",
        presence=0.7 if lesion else 0.3,
    )  # fmt: skip
    nothing = StructureScore(Counts(0, 0, 0, 9999), 0.001, SurfaceScore(float("nan"), float("nan")))
    some = StructureScore(Counts(hits, 100 - hits, 100 - hits, 9799), 0.001, SurfaceScore((100 - hits) / 5, hits / 100))
    chance = rng.random(500)
    curve = reliability(chance, rng.random(500) < chance)
    raters = RaterAgreement({(0, 1): 0.8}, 0.8, (0.9, 0.7), (1.0, 0.9), (0.95, 0.85))
    return CaseScore(
        entry, {"<b>brain</b>": some, "lesion": some if lesion else nothing},
        {"lesion": LesionCounts(int(lesion), int(lesion), 1, 1 - int(lesion))}, lesion, True, curve, curve,
        {"lesion": [LesionScore(0.1, 0.8)] * lesion}, {"lesion": raters},
    )  # fmt: skip


def a_study(models: tuple[str, ...], cases: int) -> Evaluation:
    rng = np.random.default_rng(0)
    scores = [a_score(n, m, mod, rng) for n in range(cases) for m in models for mod in ("CT", "MR", "CT+MR")]
    return Evaluation(tuple(scores), Matching(STRUCTURES, False, ()), EvaluationOptions(), ("A warning.",))


@pytest.fixture(scope="module")
def study() -> Evaluation:
    return a_study(("good", "poor"), 8)


def test_the_page_is_one_file_with_everything(study: Evaluation) -> None:
    text = html(page(study))
    assert RESEARCH_USE in text and "A warning." in text
    assert "<b>brain" not in text and "&lt;b&gt;brain" in text, "names of files and structures are no markup"
    assert "http" not in text.replace("http-equiv", "")
    for title in (
        "Lesions and their presence",
        "Calibration",
        "Modalities",
        "Models compared",
        "Raters",
        "Weakest cases",
    ):
        assert f">{title}</h2>" in text


def test_every_picture_has_a_text_and_shows_something(study: Evaluation) -> None:
    pictures = [p for s in page(study).sections for b in s.blocks if isinstance(b, Pictures) for p in b.pictures]
    assert len(pictures) >= 7
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.png))
        assert image.size == picture.size and np.asarray(image.convert("L")).std() > 5
        assert len(picture.alt) > 40 and picture.alt.endswith(".")
    assert any("good, CT: <b>brain</b> 0." in picture.alt for picture in pictures)


def test_figures_of_page_and_tables_are_the_same(study: Evaluation) -> None:
    written = tables(study)
    assert set(written) == {"cases.csv", "summary.csv", "lesions.csv", "comparisons.csv", "raters.csv"}
    head, rows = written["cases.csv"]
    assert len(rows) == 8 * 6 * 3 and set(rows[0]) <= set(head) and set(MEASURES) <= set(head)
    healthy = next(row for row in rows if row["case"] == "case 1" and row["structure"] == "lesion")
    assert healthy["dice"] == "" and healthy["lesions"] == "0" and healthy["pieces_false"] == "1"
    (row,) = (
        row
        for row in written["summary.csv"][1]
        if (row["model"], row["modalities"], row["group"], row["structure"], row["measure"])
        == ("good", "CT", "", MEAN, "dice")
    )
    (glance,) = (
        b for s in page(study).sections for b in s.blocks if isinstance(b, Table) and b.caption.startswith("All at")
    )
    (shown,) = (cells for cells in glance.rows if cells[0].text == "good, CT")
    assert shown[1].text.split()[0] == f"{float(row['value']):.3f}"
    assert len(written["lesions.csv"][1]) == 4 * 6, "of the four cases with a lesion"
    measures = {row["measure"] for row in written["summary.csv"][1]}
    assert {"lesion_false_per_case", "detection_specificity", "presence_auc", "cross_modality_error CT MR"} <= measures


def test_tables_are_valid_csv(study: Evaluation) -> None:
    for head, rows in tables(study).values():
        text = io.StringIO()
        writer = csv.DictWriter(text, head, restval="")
        writer.writeheader()
        writer.writerows(rows)
        assert len(text.getvalue().splitlines()) == len(rows) + 1


def test_one_model_and_one_case_claim_nothing() -> None:
    lonely = a_study(("",), 1)
    text = html(page(lonely))
    assert "Models compared" not in text and "comparisons.csv" not in tables(lonely)
    row = next(r for r in tables(lonely)["summary.csv"][1] if r["measure"] == "dice")
    assert row["value"] and row["low"] == row["high"] == ""
    assert "There is no AUC" in text


def test_of_many_structures_those_apart_and_the_mean_are_drawn() -> None:
    def of(hits: int) -> StructureScore:
        return StructureScore(Counts(hits, 10, 10, 900), 0.001, SurfaceScore(1.0, 0.5))

    entry = EvaluationCase("a", Path("p"), (Path("r"),))
    many = CaseScore(entry, {f"s{n}": of(50 + n % 7) for n in range(60)} | {"low": of(2)}, {}, False, False)
    shown = shown_structures(summarize([many]), "dice")
    assert len(shown) == MOST_ROWS and shown[-1] == MEAN and "low" in shown
