"""Bundles: written, found, read back, and refused when something is wrong with them."""

import json
import pickle
import struct

import pytest
import torch

from MultimodalSegLib.checksum import sha256
from MultimodalSegLib.errors import InputError, ModelError, OutputError
from MultimodalSegLib.models.bundle import Bundle, list_bundles, load_bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.build import build_network

NETWORK = {"kind": "fusion", "families": 2, "classes": 3, "widths": [8, 8, 8], "stride": 8}


def some_metadata(**changes):
    return {
        "name": "tiny",
        "version": "0.1.0",
        "description": "A network that knows nothing, for tests.",
        "license": "Apache-2.0",
        "network": NETWORK,
        "working_spacing": 2.0,
        "modality_families": ["CT", "MR"],
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
            {
                "name": "hippocampus",
                "group": "brain",
                "left": {"value": 17, "color": [220, 216, 20], "terminology": "left"},
                "right": {"value": 53, "color": [220, 216, 21], "terminology": "right"},
            },
            {"name": "skull", "group": "bone", "value": 515, "color": [240, 230, 200], "terminology": "bone"},
        ],
        "lesion": {"name": "lesion", "value": 600, "color": [255, 0, 0], "terminology": "", "group": "lesion"},
        "training_data": "none",
        "limits": "everything",
    } | changes


@pytest.fixture
def models_folder(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    monkeypatch.setenv("MMS_MODELS", str(folder))
    return folder


@pytest.fixture
def weights():
    torch.manual_seed(1)
    return build_network(NETWORK).state_dict()


@pytest.fixture
def a_bundle(models_folder, weights):
    return save_bundle(models_folder / "tiny", some_metadata(), weights)


def edit_metadata(bundle, change):
    path = bundle.path / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))


def test_weights_come_back(a_bundle, weights):
    loaded = load_bundle("tiny").network()
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, weights[name], atol=1e-3, rtol=1e-3)


def test_float32_keeps_every_bit(models_folder, weights):
    bundle = save_bundle(models_folder / "exact", some_metadata(name="exact"), weights, dtype="float32")
    for name, tensor in bundle.network().state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_half_precision_overflow_is_refused(models_folder, weights):
    with pytest.raises(ModelError, match=r"stem\.bias"):
        save_bundle(models_folder / "big", some_metadata(), weights | {"stem.bias": torch.full((8,), 1e6)})
    assert not list(models_folder.iterdir())


def test_classes_have_sides_and_the_lesion(a_bundle):
    assert [(c.name, c.value, c.group) for c in a_bundle.classes()] == [
        ("Left hippocampus", 17, "brain"),
        ("Right hippocampus", 53, "brain"),
        ("Skull", 515, "bone"),
        ("Lesion", 600, "lesion"),
    ]
    assert a_bundle.classes()[0].terminology == "left"
    assert a_bundle.label_values() == ((0, 0), (17, 53), (515, 515))


def test_mri_contrasts_are_one_family_and_pet_is_refused(a_bundle):
    assert [a_bundle.family_index(m) for m in ("CT", "MR", "T1", "T1C", "T2", "FLAIR")] == [0, 1, 1, 1, 1, 1]
    with pytest.raises(InputError, match="PET"):
        a_bundle.family_index("PET")


def test_description_says_what_matters(a_bundle):
    text = a_bundle.describe()
    for part in ("tiny 0.1.0", "Apache-2.0", "CT, MR", "Left hippocampus", "Training: none", "everything", "research"):
        assert part in text
    assert "Left hippocampus" in (a_bundle.path / "docs" / "README.md").read_text()


def test_monai_reads_the_bundle(a_bundle):
    parser_module = pytest.importorskip("monai.bundle")
    parser = parser_module.ConfigParser()
    parser.read_config(str(a_bundle.path / "configs" / "inference.json"))
    parser.read_meta(str(a_bundle.path / "configs" / "metadata.json"))
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(a_bundle.network().state_dict())
    from monai.bundle.properties import MetaProperties

    for name, entry in MetaProperties.items():
        assert parser.get(entry["id"]) is not None, name


def test_default_is_the_only_bundle_or_the_named_one(models_folder, a_bundle, weights, monkeypatch):
    monkeypatch.setattr("MultimodalSegLib.models.folders.search_folders", lambda: (models_folder,))
    assert load_bundle().path == a_bundle.path
    save_bundle(models_folder / "other", some_metadata(name="other"), weights)
    with pytest.raises(ModelError, match="other, tiny"):
        load_bundle("default")
    (models_folder / "default.json").write_text('{"default": "other"}')
    assert load_bundle().name == "other"
    (models_folder / "default.json").write_text('{"standard": "other"}')
    with pytest.raises(ModelError, match=r"default\.json"):
        load_bundle()


def test_a_default_with_and_one_without_a_card(models_folder, a_bundle, weights, monkeypatch):
    monkeypatch.setattr("MultimodalSegLib.models.folders.search_folders", lambda: (models_folder,))
    card = []
    monkeypatch.setattr("MultimodalSegLib.models.folders.computes_on_card", lambda: bool(card))
    (models_folder / "default.json").write_text('{"gpu": "tiny", "cpu": "tiny-student"}')
    assert load_bundle().name == "tiny"  # the student is not there
    save_bundle(models_folder / "tiny-student", some_metadata(name="tiny-student"), weights)
    assert load_bundle().name == "tiny-student" and load_bundle(device="cuda:1").name == "tiny"
    card.append(0)
    assert load_bundle().name == "tiny" and load_bundle(device="cpu").name == "tiny-student"
    (models_folder / "default.json").write_text('{"gpu": "tiny"}')
    with pytest.raises(ModelError, match=r"default\.json"):
        load_bundle()


def test_unknown_name_lists_the_known(a_bundle):
    with pytest.raises(ModelError) as caught:
        load_bundle("huge")
    assert "'huge'" in caught.value.message and "tiny" in caught.value.hint


def test_listing_leaves_damaged_ones_out(a_bundle, weights):
    broken = save_bundle(a_bundle.path.parent / "broken", some_metadata(name="broken"), weights)
    assert {"tiny", "broken"} <= {bundle.name for bundle in list_bundles()}
    (broken.path / "LICENSE").unlink()
    names = {bundle.name for bundle in list_bundles()}
    assert "tiny" in names and "broken" not in names


@pytest.mark.parametrize(
    "name", ["configs/metadata.json", "configs/inference.json", "LICENSE", "models/model.safetensors"]
)
def test_missing_file_is_named(a_bundle, name):
    (a_bundle.path / name).unlink()
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        load_bundle(a_bundle.path)


def test_broken_json(a_bundle):
    (a_bundle.path / "configs" / "metadata.json").write_text('{"name": ')
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


def test_saving_replaces_a_bundle_and_nothing_else(a_bundle, weights, tmp_path):
    newer = save_bundle(a_bundle.path, some_metadata(version="0.2.0"), weights)
    assert isinstance(newer, Bundle) and newer.version == "0.2.0"
    assert [p.name for p in a_bundle.path.parent.iterdir()] == ["tiny"]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="not a model folder"):
        save_bundle(tmp_path / "work", some_metadata(), weights)
    assert (tmp_path / "work" / "thesis.txt").read_text() == "precious"


def test_failed_saving_keeps_the_old_bundle(a_bundle, weights):
    with pytest.raises(ModelError):
        save_bundle(a_bundle.path, some_metadata(working_spacing=-1), weights)
    assert load_bundle("tiny").version == "0.1.0"
    assert [p.name for p in a_bundle.path.parent.iterdir()] == ["tiny"]
