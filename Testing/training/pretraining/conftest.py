"""What the tests of pre-training share."""

import pytest

from MultimodalSegLib.training.data.cache import PreparedCase
from Testing.training.pretraining.small import prepared


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedCase, ...]:
    """Six made-up volumes."""
    return prepared(tmp_path_factory.mktemp("volumes"))
