"""What the report says of intervals: what they are, for which structures, and how often they held."""

import json

import pytest

from MultimodalSegLib.report.findings import Findings
from MultimodalSegLib.report.sections.overview import case
from MultimodalSegLib.report.sections.structures import structures
from MultimodalSegLib.report.sections.uncertainty import interval_line, uncertainty
from MultimodalSegLib.report.sections.views import Views

NAMES = {"10": "Left thalamus", "49": "Right thalamus", "99": "Lesion"}


@pytest.fixture
def doubted(full):
    """Function that gives the findings with such levels and measured coverages of the intervals, by label value."""

    def settle(levels: dict[str, float | None], coverage: dict[str, float] | None = None) -> Findings:
        volumes = {
            value: {
                "name": NAMES[value],
                "ml": 2.0,
                "low_ml": 1.5,
                "high_ml": 2.5,
                "level": level,
                "coverage": (coverage or {}).get(value),
            }
            for value, level in levels.items()
        }
        summary = {"method": "tta", "samples": 8, "volumes": volumes}
        (full.folder / "uncertainty" / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        return full.findings()

    return settle


def column(findings: Findings, title: str) -> list[str]:
    table = structures(findings)[0].blocks[0]
    return [row[table.head.index(title)].text for row in table.rows]


def test_intervals_of_one_kind_are_named_in_the_head(doubted) -> None:
    assert column(doubted({"10": 0.9, "49": 0.9}), "90 % interval (ml)") == ["1.50 to 2.50"] * 2
    assert column(doubted({"10": None, "49": None}), "Range of the samples (ml)") == ["1.50 to 2.50"] * 2


def test_a_range_among_intervals_is_marked(doubted) -> None:
    told = column(doubted({"10": 0.9, "49": None}), "Interval (ml)")
    assert told == ["1.50 to 2.50 (90 % interval)", "1.50 to 2.50 (range of the samples)"]


def test_a_level_is_promised_only_where_there_is_one(doubted) -> None:
    assert "hold the true volume in 90 of 100 made-up" in interval_line(doubted({"10": 0.9}))
    line = interval_line(doubted({"10": None}))
    assert "range of the samples" in line and "90" not in line and "Single lesions have no interval" in line
    assert interval_line(doubted({})) == ""


def test_the_coverage_is_told_by_structure_the_least_first(doubted) -> None:
    found = doubted(dict.fromkeys(NAMES, 0.9), {"10": 0.91, "49": 0.91, "99": 0.6})
    blocks = uncertainty(found, Views(found))[0].blocks
    (table,) = [block for block in blocks if getattr(block, "head", ()) == ("Structure", "Coverage (%)")]
    assert [[cell.text for cell in row] for row in table.rows] == [["Lesion", "60"], ["Thalamus", "91"]]
    assert "had not seen" in table.caption


def test_the_score_of_a_lesion_is_not_called_a_probability(full) -> None:
    (facts,) = case(full.findings(), "x").blocks
    pairs = dict(facts.pairs)
    assert pairs["Lesion score"] == "0.91 (0 to 1, not a probability)"
    assert not [title for title in pairs if "robability" in title]
