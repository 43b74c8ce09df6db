"""One dataclass says everything about the network, and refuses what cannot be."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from MultimodalSegLib.networks.config import VARIANTS, NetworkConfig, student, teacher, variant
from MultimodalSegLib.networks.fusion_net import FusionNet


def parameters(config: NetworkConfig) -> int:
    with torch.device("meta"):  # counted, not filled
        return sum(p.numel() for p in FusionNet(config).parameters())


def test_the_teacher_fits_into_a_bundle_and_the_student_has_at_most_two_fifths_of_it():
    large, small = parameters(teacher(2, 27)), parameters(student(2, 27))
    assert large <= 10e6
    assert small <= 0.4 * large


def test_the_student_needs_no_sampling_at_learned_places():
    assert not student(2, 27).deformable
    assert student(2, 27).cross_scale and student(2, 27).encoder == "dual"


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_the_teacher_with_one_thing_replaced(name):
    whole, replaced = asdict(teacher(2, 27)), asdict(variant(name, 2, 27))
    assert [key for key in whole if whole[key] != replaced[key]] == list(VARIANTS[name])
    assert len(VARIANTS[name]) == 1


def test_an_unknown_variant_is_refused_by_name():
    with pytest.raises(ValueError, match="no-such-thing.*no-deformable"):
        variant("no-such-thing", 2, 27)


@pytest.mark.parametrize("config", [teacher(3, 9), student(2, 27, spacing=(1.0, 2.0, 3.0)), NetworkConfig(1, 2)])
def test_a_configuration_survives_json(config):
    entry = json.loads(json.dumps(config.to_dict()))
    assert entry["kind"] == "fusion" and entry["stride"] == 32
    assert NetworkConfig.from_dict(entry) == config


def test_missing_keys_mean_the_network_of_the_first_model():
    entry = {"kind": "fusion", "families": 2, "classes": 27, "widths": [32, 64, 96, 128, 192], "stride": 32}
    config = NetworkConfig.from_dict(entry)
    assert config == NetworkConfig(2, 27)
    assert config.encoder == "cnn" and config.fusion == "gated" and config.groups == 8
    assert not (config.cross_scale or config.deformable or config.size_gate or config.deep_supervision)


def test_an_unknown_key_is_refused_by_name():
    with pytest.raises(ValueError, match="no option 'depth'"):
        NetworkConfig.from_dict(teacher(2, 5).to_dict() | {"depth": 4})


def test_a_stride_that_does_not_fit_the_widths_is_refused():
    with pytest.raises(ValueError, match="stride 32, not 16"):
        NetworkConfig.from_dict(teacher(2, 5).to_dict() | {"stride": 16})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"families": 0}, "families is 0"),
        ({"classes": 1}, "classes is 1"),
        ({"classes": 2.5}, "classes is 2.5"),
        ({"widths": ()}, "widths is"),
        ({"widths": (32, -8, 8)}, "widths is"),
        ({"encoder": "vit"}, "encoder is 'vit', not one of dual, cnn, swin"),
        ({"fusion": "sum"}, "fusion is 'sum'"),
        ({"radius_mm": 0.0}, "radius_mm is 0"),
        ({"radius_mm": float("nan")}, "radius_mm is nan"),
        ({"spacing": (1.5, 1.5)}, "spacing is"),
        ({"spacing": (1.5, 1.5, -1.0)}, "spacing is"),
        ({"groups": 0}, "groups is 0"),
        ({"groups": 5}, "32 channels cannot be divided by groups, which is 5"),
        ({"head_width": 36}, "48 channels cannot be divided by head_width, which is 36"),
        ({"cross_width": 100}, "100 channels cannot be divided by head_width"),
        ({"widths": (32, 64, 80, 128, 192)}, "80 channels cannot be divided by head_width"),
        ({"swin_from": 5}, "swin_from is 5"),
        ({"swin_window": 1}, "swin_window is 1"),
        ({"widths": (32, 64), "swin_from": 1}, "stride 8"),
        ({"lesion": False}, "size_gate needs lesion"),
        ({"deep_supervision": False}, "size_gate needs lesion and deep_supervision"),
        ({"side": "yes"}, "side is 'yes', not true or false"),
    ],
)
def test_an_impossible_value_is_refused_in_a_sentence(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        replace(teacher(2, 27), **change)
    assert str(caught.value).endswith(".")


def test_what_is_not_used_is_not_checked():
    plain = NetworkConfig(2, 5, widths=(6, 12), fusion="mean")
    assert plain.groups == 8 and plain.stride == 4
    assert replace(plain, swin_from=7).swin_from == 7
