"""Files of made-up label maps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from Testing.evaluation.balls import OBLIQUE, Ball, balls


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a label map of balls under a name."""

    def written(name: str, *drawn: Ball, grid: Grid = OBLIQUE) -> Path:
        write_volume(balls(drawn, grid), tmp_path / name)
        return tmp_path / name

    return written
