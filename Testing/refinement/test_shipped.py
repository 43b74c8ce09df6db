"""The model that comes with the program."""

import torch
from safetensors.torch import load_file

from MultimodalSegLib.models.bundle import list_bundles, load_bundle
from MultimodalSegLib.models.checks import WEIGHTS


def test_it_is_small_answers_clicks_and_is_not_offered_for_segmenting() -> None:
    bundle = load_bundle("refine")
    assert (bundle.path / WEIGHTS).stat().st_size < 20e6
    assert bundle.kind == "click"
    assert "refine" not in {other.path.name for other in list_bundles()}


def test_it_holds_the_very_features_of_the_model_that_it_names() -> None:
    bundle = load_bundle("refine")
    trunk = load_bundle(bundle.metadata["trunk"]["name"])
    mine, theirs = (load_file(str(one.path / WEIGHTS)) for one in (bundle, trunk))
    if bundle.metadata["trunk"]["checksum"] == trunk.checksum:
        assert all(torch.equal(mine[f"trunk.{name}"], value) for name, value in theirs.items())
    assert all(torch.isfinite(value).all() for value in mine.values())
    assert bundle.network().config.trunk.to_dict() == bundle.metadata["network"]["trunk"]
