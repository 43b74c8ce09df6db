"""A bundle in which something is missing, contradictory, changed or dangerous is refused by name."""

import json
import pickle
import struct

import pytest

from MultimodalSegLib.checksum import sha256
from MultimodalSegLib.errors import ModelError
from MultimodalSegLib.models.bundle import load_bundle
from Testing.models.tiny import edit_metadata


@pytest.mark.parametrize(
    "name", ["configs/metadata.json", "configs/inference.json", "LICENSE", "models/model.safetensors"]
)
def test_missing_file_is_named(a_bundle, name):
    (a_bundle.path / name).unlink()
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        load_bundle(a_bundle.path)


def test_broken_json(a_bundle):
    (a_bundle.path / "configs" / "metadata.json").write_text('{"name": ', encoding="utf-8")
    with pytest.raises(ModelError, match="not valid JSON"):
        load_bundle(a_bundle.path)


def test_missing_keys_are_named(a_bundle):
    edit_metadata(a_bundle, lambda m: (m.pop("limits"), m.pop("monai_version"), m["network"].pop("widths")))
    with pytest.raises(ModelError, match=r"lack limits, monai_version, network\.widths"):
        load_bundle(a_bundle.path)


def test_later_format_is_refused(a_bundle):
    edit_metadata(a_bundle, lambda m: m.update(format_version=99))
    with pytest.raises(ModelError, match="format version 99") as caught:
        load_bundle(a_bundle.path)
    assert "Update" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["network_classes"].pop(), "2 network_classes are listed but the network has 3"),
        (lambda m: m["modality_families"].append("PET"), "3 modality_families"),
        (lambda m: m["lesion"].update(value=17), "17 is used twice"),
        (lambda m: m.update(lesion_peak=1.5), "lesion_peak is 1.5, not a probability"),
        (lambda m: m.update(lesion_threshold=0), "lesion_threshold is 0, not a probability"),
        (lambda m: m["lesion"].update(value=70000), "16 bits"),
        (lambda m: m["lesion"].update(color=[1, 2]), "color"),
        (lambda m: m.update(working_spacing=0), "working_spacing"),
        (lambda m: m["network_classes"].reverse(), "background"),
        (lambda m: m.update(network_classes=[1, 2, 3]), "cannot be understood"),
    ],
)
def test_contradictions_are_named(a_bundle, change, message):
    edit_metadata(a_bundle, change)
    with pytest.raises(ModelError, match=message):
        load_bundle(a_bundle.path)


def test_wrong_checksum(a_bundle):
    path = a_bundle.path / "models" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="checksum"):
        load_bundle(a_bundle.path)


@pytest.mark.parametrize("name", ["models/model.pt", "docs/extra.pkl", "models/model.ckpt", "notes.txt"])
def test_pickle_inside_is_refused_whatever_its_name(a_bundle, name):
    (a_bundle.path / name).write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        load_bundle(a_bundle.path)


def with_weights(bundle, data):
    path = bundle.path / "models" / "model.safetensors"
    path.write_bytes(data)
    edit_metadata(bundle, lambda m: m.update(checksum=sha256(path)))


def safetensors_bytes(header, tail):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 4,
        struct.pack("<Q", 10**12) + b"{}",
        struct.pack("<Q", 4) + b"none",
        safetensors_bytes({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\x00" * 4),
        safetensors_bytes({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\x00" * 4 + b"hidden"),
        safetensors_bytes({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}, b"\x00" * 4),
    ],
)
def test_weights_that_are_no_safetensors(a_bundle, data):
    with_weights(a_bundle, data)
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_bundle(a_bundle.path)


def test_weights_of_another_network(a_bundle):
    edit_metadata(a_bundle, lambda m: m["network"].update(widths=[8, 16, 8]))
    with pytest.raises(ModelError, match="do not fit its network"):
        load_bundle(a_bundle.path).network()
