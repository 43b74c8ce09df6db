"""A run that was stopped and continued, beside one that was not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from MultimodalSegLib.errors import Cancelled
from MultimodalSegLib.progress import Event


def assert_continues_exactly(begin: Callable[[Path], Any], tmp_path: Path) -> None:
    """Both end with the same averaged weights.

    Args:
        begin: makes a run of three volumes in a folder, or takes up the one that is there.
        tmp_path: for both runs.
    """
    whole = begin(tmp_path / "whole")
    whole.run()

    def stop(event: Event) -> None:
        if event.done == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="after volume 2 of 3"):
        begin(tmp_path / "parts").run(stop)
    again = begin(tmp_path / "parts")
    assert again.step == 2
    again.run()
    for name, value in whole.average.network.state_dict().items():
        assert torch.equal(value, again.average.network.state_dict()[name]), name
