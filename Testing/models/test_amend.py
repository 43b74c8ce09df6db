"""What a calibration adds to a model's metadata, and what is refused there."""

import pytest

from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.models.amend import amend
from MultimodalSegLib.models.bundle import Bundle, load_bundle
from MultimodalSegLib.models.check_trust import trust_problem
from Testing.phantoms import a_model

CALIBRATION = {"temperature": 1.4, "lesion_temperature": 0.9, "ece_before": 0.08, "ece_after": 0.02, "data": "made up"}
CONFORMAL = {"level": 0.9, "method": "tta", "samples": 8, "quantiles": {"skull": 2.0}}
TYPICAL = {"mean": {"skull": -2.0}, "sd": {"skull": 0.5}, "limit": 2.0, "most_ml": 900.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return a_model(tmp_path_factory.mktemp("models") / "tiny")


def test_a_calibration_is_kept_beside_the_same_weights(model: Bundle) -> None:
    entries = {"calibration": CALIBRATION, "conformal": CONFORMAL, "typical": TYPICAL, "asymmetry": {"skull": 0.2}}
    found = amend(model, entries)
    assert found.metadata["calibration"] == CALIBRATION and found.checksum == model.checksum
    assert load_bundle(model.path).metadata == found.metadata
    assert [p.name for p in (model.path / "configs").iterdir() if p.name.startswith(".")] == []


def test_what_describes_the_weights_cannot_be_changed(model: Bundle) -> None:
    before = (model.path / "configs" / "metadata.json").read_bytes()
    with pytest.raises(ModelError, match="'checksum'"):
        amend(model, {"checksum": "0"})
    with pytest.raises(ModelError, match="temperatures"):
        amend(model, {"calibration": {"temperature": 0}})
    assert (model.path / "configs" / "metadata.json").read_bytes() == before


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"calibration": CALIBRATION | {"temperature": float("nan")}}, "temperatures"),
        ({"calibration": CALIBRATION | {"ece_after": 1.5}}, "0 to 1"),
        (
            {"calibration": {"reliability": {"lesion": {"before": {"confidence": [], "accuracy": [], "count": [1]}}}}},
            "one length",
        ),
        ({"calibration": CALIBRATION | {"lesion_slope": -1.0}}, "slope"),
        ({"calibration": CALIBRATION | {"lesion_offset": float("inf")}}, "offset"),
        ({"conformal": CONFORMAL | {"level": 90}}, "level 90"),
        ({"conformal": CONFORMAL | {"samples": 1}}, "1 samples"),
        ({"conformal": CONFORMAL | {"coverage": {"skull": {"share": 90}}}}, "coverage"),
        ({"conformal": CONFORMAL | {"quantiles": {"skull": -1}}}, "quantile"),
        ({"typical": TYPICAL | {"sd": {}}}, "deviations"),
        ({"typical": TYPICAL | {"limit": 0}}, "limit"),
        ({"asymmetry": {"skull": "much"}}, "asymmetry"),
    ],
)
def test_entries_that_make_no_sense_are_named(entries: dict, words: str) -> None:
    assert words in trust_problem(entries)
    assert trust_problem({}) == ""
