"""Bundles: written, found, and read back."""

import pytest
import torch

from MultimodalSegLib.errors import InputError, ModelError, OutputError
from MultimodalSegLib.models.bundle import Bundle, list_bundles, load_bundle
from MultimodalSegLib.models.save import save_bundle
from Testing.models.tiny import some_metadata


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
    for name in ("nonsense", "CTA", "ct", ""):
        with pytest.raises(InputError, match=f"Unknown modality '{name}'"):
            a_bundle.family_index(name)


def test_description_says_what_matters(a_bundle):
    text = a_bundle.describe()
    for part in ("tiny 0.1.0", "Apache-2.0", "CT, MR", "Left hippocampus", "Training: none", "everything", "research"):
        assert part in text
    assert "Left hippocampus" in (a_bundle.path / "docs" / "README.md").read_text(encoding="utf-8")


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
    (models_folder / "default.json").write_text('{"default": "other"}', encoding="utf-8")
    assert load_bundle().name == "other"
    (models_folder / "default.json").write_text('{"standard": "other"}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"default\.json"):
        load_bundle()


def test_a_default_with_and_one_without_a_card(models_folder, a_bundle, weights, monkeypatch):
    monkeypatch.setattr("MultimodalSegLib.models.folders.search_folders", lambda: (models_folder,))
    card = []
    monkeypatch.setattr("MultimodalSegLib.models.folders.computes_on_card", lambda: bool(card))
    (models_folder / "default.json").write_text('{"gpu": "tiny", "cpu": "tiny-student"}', encoding="utf-8")
    assert load_bundle().name == "tiny"  # the student is not there
    save_bundle(models_folder / "tiny-student", some_metadata(name="tiny-student"), weights)
    assert load_bundle().name == "tiny-student" and load_bundle(device="cuda:1").name == "tiny"
    card.append(0)
    assert load_bundle().name == "tiny" and load_bundle(device="cpu").name == "tiny-student"
    (models_folder / "default.json").write_text('{"gpu": "tiny"}', encoding="utf-8")
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


def test_saving_replaces_a_bundle_and_nothing_else(a_bundle, weights, tmp_path):
    newer = save_bundle(a_bundle.path, some_metadata(version="0.2.0"), weights)
    assert isinstance(newer, Bundle) and newer.version == "0.2.0"
    assert [p.name for p in a_bundle.path.parent.iterdir()] == ["tiny"]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputError, match="not a model folder"):
        save_bundle(tmp_path / "work", some_metadata(), weights)
    assert (tmp_path / "work" / "thesis.txt").read_text(encoding="utf-8") == "precious"


def test_failed_saving_keeps_the_old_bundle(a_bundle, weights):
    with pytest.raises(ModelError):
        save_bundle(a_bundle.path, some_metadata(working_spacing=-1), weights)
    assert load_bundle("tiny").version == "0.1.0"
    assert [p.name for p in a_bundle.path.parent.iterdir()] == ["tiny"]
