"""The examples in the docstrings of the losses run as they stand."""

import doctest
import importlib

import pytest
import torch

WITH_EXAMPLES = (
    "boundary",
    "dice_cross_entropy",
    "distillation",
    "schedule",
    "size_aware_lesion",
    "topology",
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_its_examples_run(name):
    module = importlib.import_module(f"MultimodalSegLib.losses.{name}")
    result = doctest.testmod(module, extraglobs={"torch": torch})
    assert result.attempted > 0 and result.failed == 0
