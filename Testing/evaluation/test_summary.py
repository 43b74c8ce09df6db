import math
from pathlib import Path

import pytest

from MultimodalSegLib.evaluation.cases import EvaluationCase
from MultimodalSegLib.evaluation.measures import COMPARED, StructureScore
from MultimodalSegLib.evaluation.overlap import Counts
from MultimodalSegLib.evaluation.paired_tests import holm
from MultimodalSegLib.evaluation.score import CaseScore
from MultimodalSegLib.evaluation.summary import MEAN, Stratum, compare, strata, summarize
from MultimodalSegLib.evaluation.surfaces import SurfaceScore


def scored(case: str, hits: int, model: str = "", patient: str = "", group: str = "") -> CaseScore:
    """Two structures; of the one there are as many hits of ten voxels, the other is in neither map."""
    entry = EvaluationCase(case, Path("p"), (Path("r"),), model, "", group, patient)
    there = StructureScore(Counts(hits, 10 - hits, 10 - hits, 80), 1.0, SurfaceScore(10.0 - hits, hits / 10))
    absent = StructureScore(Counts(0, 0, 0, 100), 1.0, SurfaceScore(math.nan, math.nan))
    return CaseScore(entry, {"one": there, "none": absent}, {}, False, False)


def test_a_mean_leaves_out_what_is_not_there() -> None:
    found = summarize([scored("a", 8), scored("b", 6)])
    assert found["one", "dice"].mean.mean == pytest.approx(0.7)
    assert math.isnan(found["none", "dice"].mean.mean) and found["none", "dice"].undefined == 2
    assert found[MEAN, "dice"].mean.mean == pytest.approx(0.7)
    assert (found["one", "hd95_mm"].least, found["one", "hd95_mm"].largest) == (2, 4)


def test_cases_of_one_patient_count_once() -> None:
    cases = [scored("a1", 8, patient="a"), scored("a2", 8, patient="a"), scored("a3", 8, patient="a"), scored("b", 4)]
    assert summarize(cases)["one", "dice"].mean.mean == pytest.approx(0.6)


def test_one_case_has_no_interval_and_no_test() -> None:
    parts = strata([scored("a", 8, "x"), scored("a", 6, "y")])
    assert math.isnan(summarize(parts[Stratum("x", "")])["one", "dice"].mean.low)
    assert all(math.isnan(c.test.t) and math.isnan(c.wilcoxon_holm) for c in compare(parts))


def test_models_are_compared_on_the_cases_of_both() -> None:
    first = [scored(str(n), 9 - n % 3, "x") for n in range(8)]
    second = [scored(str(n), 7 - n % 2, "y") for n in range(1, 9)]
    found = {(c.structure, c.measure): c for c in compare(strata([*first, *second]))}
    dice = found["one", "dice"]
    assert dice.test.difference.count == 7 and dice.test.difference.mean > 0 and dice.test.t < 0.05
    family = [c for c in found.values() if c.measure == "dice"]
    assert [c.t_holm for c in family] == pytest.approx(holm([c.test.t for c in family]), nan_ok=True)
    assert {measure for _, measure in found} == set(COMPARED)


def test_groups_are_summed_up_apart_only_if_there_are_several() -> None:
    assert len(strata([scored("a", 8, group="s"), scored("b", 8, group="s")])) == 1
    found = strata([scored("a", 8, group="s"), scored("b", 8, group="t")])
    assert [stratum.group for stratum in found] == ["", "s", "t"]
