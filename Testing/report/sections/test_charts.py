"""The charts of a run in its report, HTML and PDF, with their text alternatives."""

import json

import numpy as np
import pytest

from MultimodalSegLib.explain.contribution_chart import write_chart
from MultimodalSegLib.explain.contributions import Contribution
from MultimodalSegLib.explain.parts import Part
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.report.compose import compose
from MultimodalSegLib.report.document.content import Pictures, Section, Table
from MultimodalSegLib.report.document.html import html
from MultimodalSegLib.report.document.pdf import pdf

pytest.importorskip("matplotlib")
CURVE = {"confidence": [0.1, 0.5, 0.9], "accuracy": [0.05, 0.4, 0.8], "count": [10, 20, 70]}
RELIABILITY = {"structures": {"before": CURVE, "after": CURVE | {"accuracy": [0.1, 0.5, 0.9]}}}


def section(findings, title) -> Section | None:
    return next((one for one in compose(findings).sections if one.title == title), None)


def pictures(found: Section | None) -> list:
    return [one for block in found.blocks if isinstance(block, Pictures) for one in block.pictures] if found else []


def write_summary(case, reliability) -> None:
    folder = case.folder / "uncertainty"
    folder.mkdir(exist_ok=True)
    (folder / "summary.json").write_text(json.dumps({"ece_after": 0.012, "reliability": reliability}), encoding="utf-8")


def write_map(case, baselines) -> None:
    """A map of a lesion with its curves."""
    curve = {"volumes": [0.0, 0.5, 1.0], "probability": [0.1, 0.5, 0.9]}
    areas = {"insertion_area": 0.62, "deletion_area": 0.21, "insertion": curve, "deletion": curve}
    folder, labels = case.folder / "explanation", case.segmentation.labels
    write_volume(labels.with_array((labels.array == 99).astype(np.float32)), folder / "lesion_1.hirescam.nrrd")
    figures = areas | {"baselines": {name: areas | {"insertion_area": 0.4} for name in baselines}}
    (folder / "faithfulness.json").write_text(json.dumps({"lesion_1.hirescam": figures}), encoding="utf-8")


@pytest.fixture
def charted(bare):
    """A case whose model is calibrated and whose contributions were drawn."""
    (bare.folder / "explanation").mkdir()
    nothing = {"CT": 0.0, "MR": 0.0}
    found = Contribution(Part("Lesion 1", 99, 1), 0.7, 1.0, {"CT": -0.1, "MR": 0.8}, nothing, nothing, nothing, nothing)
    write_chart([found], bare.folder / "explanation" / "contributions.png")
    write_summary(bare, RELIABILITY)
    write_map(bare, ("random", "blurred mask"))
    return bare


def test_the_chart_of_the_contributions_is_shown_and_said_in_words(charted):
    (chart,) = pictures(section(charted.findings(), "Which scan decided"))
    assert "Lesion 1: CT -0.10, MR 0.80" in chart.alt and chart.size[0] > chart.size[1] > 100


def test_a_calibrated_model_shows_its_reliability(charted):
    (plot,) = pictures(section(charted.findings(), "How sure the result is"))
    assert "structures" in plot.alt and "before 9.5 %, after 0.0 %" in plot.alt


def test_the_curves_of_a_map_are_shown_beside_those_of_baselines(charted):
    found = section(charted.findings(), "What spoke for the result")
    chart, legend = pictures(found)
    assert "Lesion 1, HiResCAM" in chart.alt and "this map: insertion 0.62, deletion 0.21" in chart.alt
    assert "random map: insertion 0.40" in chart.alt and "speaks for the structure" in legend.label
    assert len(chart.png) < 60_000
    (row,) = next(block for block in found.blocks if isinstance(block, Table)).rows
    assert [cell.text for cell in row] == ["Lesion 1, HiResCAM", "0.62", "0.40", "0.40", "0.21", "0.21", "0.21"]
    write_map(charted, ())
    assert len(pictures(section(charted.findings(), "What spoke for the result"))) == 1  # the legend


def test_all_are_in_the_html_and_the_pdf(charted):
    document = compose(charted.findings())
    page, content = html(document), pdf(document)
    count = sum(len(pictures(one)) for one in document.sections)
    assert "Reliability plot." in page and "Share of each modality" in page and page.count("<img ") == count
    assert content.count(b"/Alt ") == count


def test_damaged_charts_and_curves_are_done_without(charted):
    (charted.folder / "explanation" / "contributions.png").write_bytes(b"no picture")
    for damaged in ({"structures": {"before": {"count": [1]}}}, {"structures": [1]}, "x", None):
        write_summary(charted, damaged)
        assert not pictures(section(charted.findings(), "How sure the result is"))
    assert not pictures(section(charted.findings(), "Which scan decided"))
