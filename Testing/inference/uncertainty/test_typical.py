"""Cases made up as known ones are, and a case that is not."""

import numpy as np
import pytest

from MultimodalSegLib.inference.uncertainty.typical import Typical, composition
from Testing.inference.conftest import BONE, BRAIN, LEFT, LESION, RIGHT


def cases(count: int, seed: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    usual = {"cortex": 500.0, "ventricle": 30.0, "stem": 25.0}
    return [{name: ml * float(np.exp(0.2 * rng.standard_normal())) for name, ml in usual.items()} for _ in range(count)]


@pytest.fixture(scope="module")
def fitted() -> Typical:
    return Typical.fitted(cases(30, 0), cases(30, 1))


def test_other_known_cases_are_typical_also_where_half_is_in_view(fitted: Typical) -> None:
    for case in cases(50, 2):
        assert fitted.distance(case) <= fitted.limit
        assert fitted.distance({name: ml / 2 for name, ml in case.items()}) == pytest.approx(fitted.distance(case))


def test_other_shares_and_impossible_volumes_are_not(fitted: Typical) -> None:
    assert fitted.distance({"cortex": 300.0, "ventricle": 250.0, "stem": 0.0}) > 2 * fitted.limit
    large = {name: 8 * ml for name, ml in cases(1, 3)[0].items()}
    assert fitted.distance(large) > 2 * fitted.limit
    assert fitted.distance(dict.fromkeys(large, 0.0)) > fitted.limit  # nothing found at all


def test_survives_the_metadata(fitted: Typical) -> None:
    again, case = Typical.of({"typical": fitted.to_dict()}), cases(1, 4)[0]
    assert again is not None and again.distance(case) == pytest.approx(fitted.distance(case), rel=0.01)
    assert Typical.of({}) is None


def test_too_few_cases_tell_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        Typical.fitted(cases(4, 0), cases(4, 1))


def test_sides_count_together_and_bone_and_lesions_do_not(a_random_model) -> None:
    found = composition({0: 900.0, LEFT: 2.0, RIGHT: 3.0, BRAIN: 7.0, BONE: 50.0, LESION: 1.0}, a_random_model)
    assert found == {"brain": 7.0, "thalamus": 5.0}
