"""What a worker keeps of a model between its cases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from MultimodalSegLib.cohort.cases import CohortCase
from MultimodalSegLib.cohort.held import held_bundle
from MultimodalSegLib.cohort.options import CohortOptions
from MultimodalSegLib.cohort.task import Model, Task, run_task
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.networks import compiled

pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.fixture
def run(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Function that works on a case as a worker does, with OpenVINO."""
    monkeypatch.setenv("MMS_CACHE", str(tmp_path / "cache"))
    held_bundle.cache_clear()
    path = material / "model"
    model = Model(str(path), path.name, load_bundle(path).checksum)
    options = CohortOptions(registration="none", model=str(path), threads=1, engine="openvino")

    def start(id: str) -> None:
        case = CohortCase(id, {"T1": material / "t1.nii.gz"}, "T1")
        outcome = run_task(Task(case, tmp_path / id, options, model))
        assert outcome.status == "finished", outcome

    return start


def test_the_network_is_compiled_for_the_first_case_alone(
    run: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, known = [], compiled.OpenVinoNetwork

    def counted(*given: object) -> object:
        made.append(type(given[0]))
        return known(*given)

    monkeypatch.setattr(compiled, "OpenVinoNetwork", counted)
    run("one")
    assert len(made) == 1
    run("two")
    assert len(made) == 1, "compiled again, or read from the disk again"
