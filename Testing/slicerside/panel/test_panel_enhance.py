"""The section Enhance: a volume of the scene, answered by a real child process, put beside it with its mark."""

import json
import stat
import sys

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.synthetic import TAG, has_synthetic_detail
from MultimodalSegLib.images.volume import Volume
from Testing.enhancement.handmade import a_detail_model, a_thick_scan

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
GRID = Grid((16, 16, 5), (1.0, 1.0, 4.0))
FINE = Grid((16, 16, 20), (1.0, 1.0, 1.0))
PROGRAM = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "enhance"], sys.argv
options = sys.argv[4:]
(here / "asked.json").write_text(json.dumps([options, pathlib.Path(options[0]).stat().st_size]))
print(json.dumps(dict(stage="enhance", done=1, total=2)), flush=True)
changed = "1" != options[options.index("--samples") + 1]
told = dict(volume=str(here / "fine.nrrd"), uncertainty=str(here / "fine.nrrd"), changed=changed, seconds=2.0)
told |= dict(consistency_rms=1.0, noise=2.0, warnings=[] if changed else ["It is returned unchanged."])
print(json.dumps(dict(result=told)), flush=True)
"""


@pytest.fixture
def scan(widget, tmp_path, monkeypatch):
    """The panel with a thick scan chosen; the child answers with a volume, unless asked for a single sample."""
    from MultimodalSegLib.slicerside.process import child
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    script, program = tmp_path / "program.py", tmp_path / "program"
    script.write_text(PROGRAM, encoding="utf-8")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {script} "$@"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    rng = np.random.default_rng(0)
    write_volume(Volume(rng.normal(size=FINE.shape).astype(np.float32), FINE), tmp_path / "fine.nrrd")
    monkeypatch.setattr(child, "find_python", lambda: str(program))
    node = volume_node(Volume(rng.normal(size=GRID.shape).astype(np.float32), GRID), "T2", "T2")
    widget.ui.enhanceSelector.setCurrentNode(node)
    return node


def volumes():
    import slicer

    return {node.GetName(): node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")}


def test_the_volume_comes_beside_the_scan_named_tagged_and_colored(widget, shim, scan) -> None:
    widget.ui.enhanceSamplesBox.value = 2
    assert widget.ui.enhanceButton.enabled
    widget.ui.enhanceButton.click()
    assert widget.ui.enhanceButton.text == "Stop"
    shim.wait(lambda: not widget.panel.enhance.running, 20)
    found = volumes()
    assert {"T2", "T2 (synthetic detail)", "T2 uncertainty (synthetic detail)"} <= set(found)
    made = found["T2 (synthetic detail)"]
    assert made.GetAttribute(TAG) and made.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeWarmTint1"
    assert made.GetImageData().GetDimensions() == FINE.size
    assert made.GetDisplayNode().GetWindow() == scan.GetDisplayNode().GetWindow()
    assert "synthetic" in widget.ui.enhanceMessage.text
    widget.ui.enhanceSelector.setCurrentNode(made)
    assert not widget.ui.enhanceButton.enabled and "already" in widget.ui.enhanceButton.toolTip


def test_the_kind_is_guessed_or_chosen_and_only_a_ct_can_be_cleaned(widget, shim, scan, tmp_path, pictures) -> None:
    ui = widget.ui
    ui.enhanceCollapsibleButton.collapsed = False
    shim.process_events(0.1)
    assert not ui.enhanceDenoiseBox.visible
    ui.enhanceModalityBox.setCurrentIndex(ui.enhanceModalityBox.findData("CT"))
    assert ui.enhanceDenoiseBox.visible
    ui.enhanceDenoiseBox.checked = True
    pictures(widget, "enhance", shim)
    for data, asked in (("CT", ["CT", True]), ("", ["T2", False])):
        ui.enhanceModalityBox.setCurrentIndex(ui.enhanceModalityBox.findData(data))
        ui.enhanceButton.click()
        shim.wait(lambda: not widget.panel.enhance.running, 20)
        options = json.loads((tmp_path / "asked.json").read_text(encoding="utf-8"))[0]
        assert [options[options.index("--modality") + 1], "--denoise" in options] == asked


def test_nothing_comes_where_there_is_nothing_to_do_and_that_is_said(widget, shim, scan) -> None:
    before = set(volumes())
    widget.ui.enhanceButton.click()
    shim.wait(lambda: not widget.panel.enhance.running, 20)
    assert set(volumes()) == before and widget.ui.enhanceMessage.text == "It is returned unchanged."


def test_the_mark_goes_with_the_volume_to_a_run(scan, tmp_path) -> None:
    from MultimodalSegLib.slicerside.run.exchange import plan, write

    files = write(plan(("MR", scan), {}, tmp_path), tmp_path / "plain")
    assert not has_synthetic_detail(files["MR"])
    scan.SetAttribute(TAG, "yes")
    files = write(plan(("MR", scan), {}, tmp_path), tmp_path / "marked")
    assert has_synthetic_detail(files["MR"])


def test_a_real_child_enhances_with_the_users_model(widget, shim, tmp_path, monkeypatch) -> None:
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    a_detail_model(tmp_path / "enhance")
    monkeypatch.setenv("MMS_MODELS", str(tmp_path))
    node = volume_node(a_thick_scan(noise=20), "scan", "T1")
    widget.ui.enhanceSelector.setCurrentNode(node)
    widget.ui.enhanceSamplesBox.value = 2
    widget.ui.enhanceButton.click()
    shim.wait(lambda: not widget.panel.enhance.running, 300)
    made = volumes()["scan (synthetic detail)"]
    assert made.GetImageData().GetDimensions() == (24, 20, 32) and "scan uncertainty (synthetic detail)" in volumes()
    assert np.allclose(made.GetOrigin(), [12.0, 10.0, -17.5], atol=1e-3), "RAS: the slab is as it was, sampled finer"
    assert "their noise is" in widget.ui.enhanceMessage.text
