"""Settings and fixtures of every test: no screen, few threads, and where the development data are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Before VTK, Qt or matplotlib is imported: draw without a screen. Child processes inherit these.
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")

# Tests of the engines say which one they mean; compiling a network for each of the others would take long.
os.environ["MMS_ENGINE"] = "torch"

# Tests that run side by side get one thread each; more only makes them wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session")
def development_data() -> Path:
    """The folder of real scans used in development; it is not part of the repository."""
    folder = Path(os.environ.get("MMS_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set MMS_DATA to the folder that has them)")
    return folder
