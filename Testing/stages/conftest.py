"""A finished run of a small model, for every stage that works on one."""

import pytest

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import a_model, write_pair


@pytest.fixture(scope="session")
def a_finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """CT and MRI that share a space as they are, segmented by a network that knows nothing; copy it to change it."""
    folder = tmp_path_factory.mktemp("finished")
    ct, mr = write_pair(folder)
    a_model(folder / "model")
    return run_segment(
        SegmentOptions(
            {"CT": ct, "MR": mr}, folder / "run", registration="none", model=str(folder / "model"), threads=1
        )
    )
