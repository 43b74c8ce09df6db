"""Numbers and bars as a reader sees them."""

import doctest

import pytest

from MultimodalSegLib.report import findings, privacy
from MultimodalSegLib.report.document import html
from MultimodalSegLib.report.sections import figures
from MultimodalSegLib.report.sections.figures import bars, percent, shown, span
from MultimodalSegLib.report.sections.structures import by_size


@pytest.mark.parametrize("module", [figures, privacy, findings, html])
def test_the_examples_are_true(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(123.4, "123"), (-12.34, "−12.3"), (1.0, "1.00"), (0.5, "0.500"), (0.000012, "0.0000"), (0.0, "0"), (None, "")],
)
def test_three_digits_count(value, text):
    assert shown(value) == text


def test_parts_and_intervals():
    assert percent(0.456) == "46 %" and percent(None) == "" and span((1.0, 2.0)) == "1.00 to 2.00" and span(None) == ""


def test_bars_share_a_scale_that_holds_their_intervals():
    long, short, negative = bars([4.0, 1.0, -1.0], [(3.0, 5.0), None, None])
    assert (long.start, long.end) == pytest.approx((1 / 6, 5 / 6)) and long.interval == pytest.approx((4 / 6, 1.0))
    assert short.end - short.start == pytest.approx(1 / 6) and negative.end == 0
    assert bars([0.0, None])[1] is None and bars([0.0])[0].end == 0 and bars([]) == []


def test_small_structures_have_a_table_of_their_own():
    rows = [{"name": name, "volume_ml": ml} for name, ml in (("a", "200"), ("b", "180"), ("c", "7"), ("d", "3"))]
    assert [(title, len(part)) for title, part in by_size("Brain", rows)] == [
        ("Brain", 2),
        ("Brain, smaller structures", 2),
    ]
    assert [len(part) for _, part in by_size("Brain", rows[:3])] == [3]
    assert by_size("Brain", []) == [("Brain", [])]
