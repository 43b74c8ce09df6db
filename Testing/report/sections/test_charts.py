"""The charts of a run in its report, HTML and PDF, with their text alternatives."""

import json

import pytest

from MultimodalSegLib.explain.contribution_chart import write_chart
from MultimodalSegLib.explain.contributions import Contribution
from MultimodalSegLib.explain.parts import Part
from MultimodalSegLib.report.compose import compose
from MultimodalSegLib.report.document.content import Pictures, Section
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
    (folder / "summary.json").write_text(json.dumps({"ece_after": 0.012, "reliability": reliability}))


@pytest.fixture
def charted(bare):
    """A case whose model is calibrated and whose contributions were drawn."""
    (bare.folder / "explanation").mkdir()
    nothing = {"CT": 0.0, "MR": 0.0}
    found = Contribution(Part("Lesion 1", 99, 1), 0.7, 1.0, {"CT": -0.1, "MR": 0.8}, nothing, nothing, nothing, nothing)
    write_chart([found], bare.folder / "explanation" / "contributions.png")
    write_summary(bare, RELIABILITY)
    return bare


def test_the_chart_of_the_contributions_is_shown_and_said_in_words(charted):
    (chart,) = pictures(section(charted.findings(), "Which scan decided"))
    assert "Lesion 1: CT -0.10, MR 0.80" in chart.alt and chart.size[0] > chart.size[1] > 100


def test_a_calibrated_model_shows_its_reliability(charted):
    (plot,) = pictures(section(charted.findings(), "How sure the result is"))
    assert "structures" in plot.alt and "before 9.5 %, after 0.0 %" in plot.alt


def test_both_are_in_the_html_and_the_pdf(charted):
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
