import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from heads import a_head  # noqa: E402

from MultimodalSegLib.synthesis.anatomy import Anatomy  # noqa: E402


@pytest.fixture(scope="session")
def a_label_head() -> Anatomy:
    return a_head()
