"""A folder of models with one bundle in it."""

import pytest
import torch

from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.build import build_network
from Testing.models.tiny import NETWORK, some_metadata


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
