"""What the tests of the commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from MultimodalSegLib.cli import main
from Testing.phantoms import a_model, write_pair


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CT (ct.nrrd), an MRI (mr.nii.gz) and a model (models/tiny)."""
    folder = tmp_path_factory.mktemp("case")
    write_pair(folder)
    a_model(folder / "models" / "tiny")
    return folder


@pytest.fixture
def command(place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command line in this process."""
    monkeypatch.setenv("MMS_MODELS", str(place / "models"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run
