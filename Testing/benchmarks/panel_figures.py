"""How quick the panel is, on the shim of Slicer: start, Apply, Cancel, the interface during a run, a large result.

    python Testing/benchmarks/panel_figures.py [--starts 5]

Real widgets, a real MRML scene and real child processes with the default model on the shipped synthetic pair; the large
result is that pair's CT on 256 x 256 x 256 voxels of 1 mm. Written to ``results/panel_figures.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "shim")]

import application  # noqa: E402
import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402

from MultimodalSegLib.machine import version_of  # noqa: E402
from MultimodalSegLib.resources import resource  # noqa: E402
from Testing.processes import children  # noqa: E402
from Testing.slicerside.panel.starting import started_alone  # noqa: E402
from Testing.slicerside.panel.watching import Listener, Stopwatch  # noqa: E402

RESULT = Path(__file__).resolve().parent / "results" / "panel_figures.md"
Row = tuple[str, str, str]
"""What, the limit, what was measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5, help="processes of which the median is taken")
    given = parser.parse_args()
    rows = start_rows(given.starts)
    application.start()
    widget = application.open_module("MultimodalSeg")
    widget.ui.sampleDataButton.click()
    application.wait(lambda: widget.ui.applyButton.enabled, 30)
    rows += cancel_rows(widget)
    rows += run_rows(widget)
    rows += large_rows(widget)
    text = page(rows)
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    application.close_modules()


def start_rows(count: int) -> list[Row]:
    """Import of the module's file and the panel until it can be used, in fresh processes."""
    found = [started_alone() for _ in range(count)]
    names = {"import": ("Import of the module beyond Slicer's own", "0.1 s"), "panel": ("Panel ready", "1 s")}
    return [(*texts, both([each[name] for each in found])) for name, texts in names.items()]


def both(figures: list[Any]) -> str:
    """Medians of the time that passed and of the processor's."""
    wall = statistics.median(figure.wall_s for figure in figures)
    processor = statistics.median(figure.processor_s for figure in figures)
    return f"{wall:.3f} s ({processor:.3f} s on the processor; median of {len(figures)})"


def cancel_rows(widget: Any) -> list[Row]:
    """Time from Cancel until no process is left, for each stage that has one."""
    rows = []
    for stage, registration in (("register", "rigid"), ("start", "none"), ("segment", "none")):
        widget._parameterNode.registration = registration
        widget.ui.applyButton.click()
        listener = Listener(widget.panel)
        application.wait(lambda listener=listener, stage=stage: listener.heard(stage) and children(), 120)
        begin = time.perf_counter()
        widget.ui.cancelButton.click()
        application.wait(lambda: not children() and not widget.panel.run.running, 30)
        rows.append((f"No process is left after Cancel ({stage})", "2 s", f"{time.perf_counter() - begin:.2f} s"))
    return rows


def run_rows(widget: Any) -> list[Row]:
    """Apply on the pair, with rigid registration, to the result."""
    widget._parameterNode.registration = "rigid"
    begin = time.perf_counter()
    widget.ui.applyButton.click()
    shown = time.perf_counter() - begin
    listener, watch = Listener(widget.panel), Stopwatch()
    while widget.panel.run.running:
        with watch.turn():
            application.process_events()
        if listener.heard("load"):
            watch.forget()
        time.sleep(0.005)
    seconds = time.perf_counter() - begin
    blocked = f"{1000 * watch.longest_s:.0f} ms ({1000 * watch.processor_s:.0f} ms on the processor; "
    blocked += f"it waited for a processor {watch.starved:.0%} of the time)"
    return [
        ("Apply until progress is shown", "0.5 s", f"{shown:.3f} s"),
        ("The interface is blocked at most, until the result is loaded", "100 ms", blocked),
        ("The pair from Apply to its result", "", f"{seconds:.1f} s"),
    ]


class EndOfChild:
    """Notes in a thread when the processes that are there now have ended."""

    def __init__(self) -> None:
        self.at = 0.0
        self._children = children()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        import psutil

        while any(psutil.pid_exists(child.pid) and _status(child) != psutil.STATUS_ZOMBIE for child in self._children):
            time.sleep(0.002)
        self.at = time.perf_counter()


def _status(process: Any) -> str:
    import psutil

    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return str(psutil.STATUS_ZOMBIE)


def large_rows(widget: Any) -> list[Row]:
    """From the end of the child to the result in the panel, for a head of 1 mm."""
    import slicer

    slicer.mrmlScene.Clear()
    image = sitk.ReadImage(str(resource("demo/synthetic/CT.nrrd")))
    middle = np.array(image.TransformContinuousIndexToPhysicalPoint([(side - 1) / 2 for side in image.GetSize()]))
    fine = sitk.Resample(image, (256,) * 3, sitk.Transform(), sitk.sitkLinear, middle - 127.5, (1.0,) * 3, (), -1000)
    place = np.diag([-1.0, -1.0, 1.0, 1.0])
    place[:3, 3] = place[:3, :3] @ (middle - 127.5)
    slicer.util.addVolumeFromArray(sitk.GetArrayFromImage(fine), place, "Head CT 1 mm")
    application.wait(lambda: widget.ui.applyButton.enabled, 30)
    widget.ui.applyButton.click()
    listener = Listener(widget.panel)
    application.wait(lambda: listener.heard("segment"), 300)
    end = EndOfChild()
    application.wait(lambda: not widget.panel.run.running, 900)
    application.process_events()
    finished = time.perf_counter()
    seconds = finished - end.at
    segments = widget._parameterNode.resultSegmentation.GetSegmentation().GetNumberOfSegments()
    name = f"Result shown after the end of the child (1 mm, 256 x 256 x 256 voxels, {segments} segments)"
    loading = finished - listener.told_at["load"]
    return [
        (name, "3 s", f"{seconds:.2f} s"),
        ("of it, the interface is blocked while the nodes are made", "3 s", f"{loading:.2f} s"),
    ]


def page(rows: list[Row]) -> str:
    """The table with what it was measured on."""
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("slicer-core", "PySide6-Essentials", "torch"))
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    lines = [
        "# Figures of the panel",
        "",
        "Measured by `panel_figures.py` on the shim of Slicer, without a graphics card:",
        f"Python {platform.python_version()}, {versions}; {os.cpu_count()} processors,",
        f"load average {load} at the end, of which the benchmark itself makes about one.",
        "",
        "| what | at most | measured |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*lines, *(f"| {what} | {limit} | {figure} |" for what, limit, figure in rows)]) + "\n"


if __name__ == "__main__":
    main()
