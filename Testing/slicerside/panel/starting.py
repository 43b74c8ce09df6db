"""How long the module's import and its panel take, in a process of its own in which Slicer (the shim) is there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from Testing.phantoms import ROOT

PROGRAM = """
import json, sys, time
sys.path.insert(0, "Testing/shim")
import application
application.start()
import slicer, slicer_modules


def timed(work):
    wall, processor = time.perf_counter(), time.process_time()
    work()
    loaded = any(name.startswith("MultimodalSegLib.slicerside.panel") for name in sys.modules)
    return [time.perf_counter() - wall, time.process_time() - processor, loaded]


def load():
    slicer_modules.load("MultimodalSeg", application.ROOT / "MultimodalSeg")


def show():
    holder = slicer.modules.multimodalseg.widgetRepresentation()
    holder.show()
    holder.instance.enter()
    application.process_events()


print(json.dumps({"import": timed(load), "panel": timed(show)}))
"""


@dataclass(frozen=True)
class Start:
    """What one step took.

    Args:
        wall_s: seconds that passed.
        processor_s: seconds of the processor, which other work on the machine does not change.
        loaded_library: whether the panel's part of the library was loaded by then.
    """

    wall_s: float
    processor_s: float
    loaded_library: bool


def started_alone() -> dict[str, Start]:
    """The steps ``"import"`` (the module's file, at the start of Slicer) and ``"panel"`` (until it can be used)."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return {name: Start(*figures) for name, figures in json.loads(done.stdout.splitlines()[-1]).items()}
