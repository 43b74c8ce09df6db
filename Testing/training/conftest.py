"""What the tests of training share."""

from pathlib import Path

import pytest
import torch

from Testing.training.small import write_label_maps


@pytest.fixture(scope="session")
def label_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the label maps ``one`` and ``held_out``."""
    return write_label_maps(tmp_path_factory.mktemp("labels"))


@pytest.fixture
def one_thread():
    """With one thread sums are always made in the same order, in this process and in a child."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
