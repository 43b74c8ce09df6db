"""What MONAI makes of the shipped bundles and of their inferences."""

from pathlib import Path

import pytest

from MultimodalSegLib import load_bundle
from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.models.monai_form import defaults, inference
from Testing.enhancement.handmade import a_detail_model, a_thick_scan

parser_module = pytest.importorskip("monai.bundle")


@pytest.mark.parametrize("name", ["head", "head-student", "refine", "enhance"])
def test_what_a_shipped_bundle_says_follows_from_the_rest(name: str) -> None:
    bundle = load_bundle(name)
    expected, said = defaults(bundle.metadata), bundle.metadata
    assert (said["task"], said["network_data_format"]) == (expected["task"], expected["network_data_format"])
    assert said["task"].startswith("Segmentation") is bundle.segments
    parser = parser_module.ConfigParser()
    parser.read_config(str(bundle.path / "configs" / "inference.json"))
    assert {key: parser.config[key] for key in inference(said)} == inference(said)
    parser.get_parsed_content("network_def").load_state_dict(bundle.network().state_dict())


def test_monai_restores_thick_slices(tmp_path: Path) -> None:
    bundle = a_detail_model(tmp_path / "detail")
    write_volume(a_thick_scan(noise=20), tmp_path / "t2.nii.gz")
    parser = parser_module.ConfigParser()
    parser.read_config(str(bundle.path / "configs" / "inference.json"))
    parser.update(
        {"bundle_root": str(bundle.path), "input": str(tmp_path / "t2.nii.gz"), "output": str(tmp_path / "out")}
    )
    parser.get_parsed_content("run")
    (file,) = (tmp_path / "out").glob("*.nrrd")
    assert max(read_volume(file).grid.spacing) < 1.5
