"""What is said of contributions, in figures, sentences and a chart."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from MultimodalSegLib.explain.contribution_chart import MOST_BARS, chart_text, chosen, write_chart
from MultimodalSegLib.explain.contributions import COLUMNS, contributions, sentences, write_record, write_table
from MultimodalSegLib.explain.parts import Part

CT, MR, BOTH = frozenset({"CT"}), frozenset({"MR"}), frozenset({"CT", "MR"})
PARTS = (Part("Bone", 515), Part("Left thalamus", 10), Part("Lesion", 600), Part("Lesion 1", 600, 1))


def told(ct, mr, both, parts=PARTS):
    """Contributions in which scores and found shares are the same."""
    values = {CT: np.array(ct, float), MR: np.array(mr, float), BOTH: np.array(both, float)}
    return contributions(parts, ["CT", "MR"], values, values)


@pytest.fixture
def found():
    return told([0.9, 0.05, 0.0, 0.0], [0.2, 0.8, 0.9, 0.9], [0.95, 0.85, 0.8, 0.8])


def test_figures_of_a_part(found):
    bone = found[0]
    assert bone.alone == {"CT": 0.9, "MR": 0.2} and bone.without == {"CT": 0.2, "MR": 0.9}
    assert bone.shapley["CT"] == pytest.approx((0.9 + 0.95 - 0.2) / 2)
    lesion = found[3]
    assert lesion.shapley["CT"] == pytest.approx(-0.05) and sum(lesion.shapley.values()) == pytest.approx(lesion.score)


def test_a_lesion_that_would_be_missed_is_said_to_be(found):
    assert sentences(found) == [
        "Without the MRI this lesion would be missed.",
        "Without the MRI these structures would be missed: Left thalamus.",
    ]


def test_several_lesions_are_told_by_number_and_faint_ones_not_at_all():
    parts = [Part("Lesion", 600), *(Part(f"Lesion {n}", 600, n) for n in (1, 2, 3))]
    spoken = sentences(told([0.5, 0.0, 0.3, 0.0], [0.5, 0.9, 0.9, 0.2], [0.9, 0.9, 0.8, 0.3], parts))
    assert spoken == [
        "Without the MRI lesion 1 would be missed.",
        "Without the MRI only 30% of lesion 2 would be found.",
    ]


def test_one_modality_bears_everything():
    only = contributions(PARTS[:1], ["MR"], {MR: np.array([0.7])}, {MR: np.array([1.0])})
    assert only[0].shapley == only[0].alone == {"MR": 0.7} and only[0].without == {"MR": 0.0}
    assert sentences(only) == ["Only the MRI was given: everything rests on it."]
    assert sentences([]) == []


def test_many_lost_structures_make_one_sentence():
    parts = [Part(f"part {n}", n) for n in range(1, 12)]
    (spoken,) = sentences(told([0.0] * 11, [0.9] * 11, [0.9] * 11, parts))
    assert spoken.endswith("part 8 and 3 more.") and spoken.count(",") == 7


def test_table_and_record(found, tmp_path):
    write_table(found, tmp_path / "contributions.csv")
    rows = list(csv.DictReader((tmp_path / "contributions.csv").open(encoding="utf-8")))
    assert tuple(rows[0]) == COLUMNS and len(rows) == len(PARTS) * 2
    assert rows[1] == {
        "structure": "Bone",
        "value": "515",
        "modality": "MR",
        "shapley": "0.1250",
        "alone": "0.2000",
        "without": "0.9000",
    }
    write_record(found, 3, tmp_path / "contributions.json")
    record = json.loads((tmp_path / "contributions.json").read_text(encoding="utf-8"))
    assert record["network_runs"] == 3 and record["modalities"] == ["CT", "MR"]
    assert record["sentences"] == sentences(found) and record["parts"][3]["part"]["lesion"] == 1


def test_the_chart_shows_lesions_and_what_depends_on_one_modality(found, tmp_path):
    assert [entry.part.name for entry in chosen(found)] == ["Lesion 1", "Left thalamus", "Bone"]
    parts = [Part(f"part {n}", n) for n in range(1, 40)]
    many = told(np.linspace(0, 0.9, 39), [0.9] * 39, [0.95] * 39, parts)
    assert len(chosen(many)) == MOST_BARS and chosen(many)[0].part.name == "part 1"
    for name, entries in {"few": found, "many": many}.items():
        write_chart(entries, tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.text["Description"] == chart_text(entries)
            colors = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
            assert {(0, 114, 178), (230, 159, 0)} <= set(map(tuple, colors.tolist()))
