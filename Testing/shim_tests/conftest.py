"""The shim's own tests use the fixtures that the panel's tests use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shim"))

from fixtures import a_module, dialogs_shown, shim  # noqa: E402, F401
