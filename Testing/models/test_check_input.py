"""What a model says of its input is checked, and old programs are kept from overlooking it."""

import json

import pytest

from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.models.bundle import load_bundle
from Testing.handmade import threshold_model
from Testing.phantoms import a_model


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"working_spacing": [1.5, 1.5]}, r"working_spacing is \[1.5, 1.5\]"),
        ({"working_spacing": [1.5, 0, 1.5]}, "working_spacing"),
        ({"working_spacing": "fine"}, "working_spacing is fine"),
        ({"region": "torso"}, "region is 'torso', none of head, body, volume"),
        ({"patch": [32, 32]}, "patch"),
        ({"patch": [32, 32, 0]}, "patch"),
        ({"patch": [32, 32, 8.5]}, "patch"),
        ({"preprocessing": {"CT": {"kind": "minmax"}}}, "preprocessing of CT: kind is 'minmax'"),
        ({"preprocessing": {"PET": {"kind": "robust"}}}, "'PET', which is none of modality_families"),
        ({"modality_families": ["X-ray"]}, "'X-ray' of modality_families"),
        ({"lesion": {"name": "tumor", "value": 9, "color": [1, 2, 3]}}, "lesion, but the network finds none"),
    ],
)
def test_contradictions_are_named(tmp_path, entries, message):
    with pytest.raises(ModelError, match=message):
        threshold_model(tmp_path / "model", ["CT"], **entries)


def test_left_and_right_need_a_network_with_sides(tmp_path):
    bundle = a_model(tmp_path / "tiny")
    path = bundle.path / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["network"]["side"], metadata["format_version"] = False, 2
    path.write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.raises(ModelError, match="left and a right one"):
        load_bundle(bundle.path)


@pytest.mark.parametrize(
    "entries", [{"region": "volume"}, {"patch": [8, 8, 8]}, {"working_spacing": [1.0, 1.0, 3.0]}, {}]
)
def test_a_model_that_says_more_has_the_second_format(tmp_path, entries):
    assert a_model(tmp_path / "head").metadata["format_version"] == 1
    bundle = threshold_model(tmp_path / "model", ["CT"], **entries)  # without side and lesion in any case
    assert bundle.metadata["format_version"] == 2
    path = bundle.path / "configs" / "metadata.json"
    path.write_text(json.dumps(dict(bundle.metadata) | {"format_version": 1}), encoding="utf-8")
    with pytest.raises(ModelError, match="needs version 2"):
        load_bundle(bundle.path)


def test_what_a_model_says_is_what_it_does(tmp_path):
    bundle = threshold_model(
        tmp_path / "liver",
        ["CT", "PET"],
        working_spacing=[1.5, 1.5, 5.0],
        region="body",
        patch=[16, 96, 80],
        preprocessing={"CT": {"kind": "window", "low": -150, "high": 250}},
    )
    assert bundle.spacing == (1.5, 1.5, 5.0) and bundle.patch == (16, 96, 80)
    assert bundle.normalization("CT").low == -150 and bundle.normalization("PET").kind == "robust"
    said = bundle.describe()
    assert "CT, PET; the body, resampled to 1.5 x 1.5 x 5 mm, in windows of 80 x 96 x 16 voxels" in said
    assert bundle.network().config.spacing == (5.0, 1.5, 1.5)
