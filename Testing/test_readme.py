"""What the README shows in Python is run as it stands, on the shipped synthetic pair."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.resources import resource

ROOT = Path(__file__).resolve().parent.parent
SLICER = """
import sys
sys.path.insert(0, {shim!r})
import application
application.start()
application.open_module("MultimodalSeg")
import slicer
"""
"""What the application has done before a user types into its console, here on the shim of Slicer."""


def lines_of_the_readme(heading: str) -> str:
    """The lines of Python below a heading; there is one block of them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return block


def run(code: str, folder: Path) -> str:
    """What a program prints in a process of its own."""
    (folder / "lines.py").write_text(code, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "lines.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_python_lines_of_the_readme_segment_a_case(tmp_path):
    shutil.copy(resource("demo/synthetic/CT.nrrd"), tmp_path / "ct.nrrd")
    sitk.WriteImage(sitk.ReadImage(str(resource("demo/synthetic/MR.nrrd"))), str(tmp_path / "mr.nii.gz"))
    assert "Left cerebral white matter" in run(lines_of_the_readme("Quick start"), tmp_path)
    labels = sitk.ReadImage(str(tmp_path / "labels.nii.gz"))
    assert labels.GetSize() == sitk.ReadImage(str(tmp_path / "ct.nrrd")).GetSize()
    found = sitk.GetArrayFromImage(labels)
    middle = found.shape[2] // 2  # the array's last axis runs to the patient's left
    assert (found[:, :, middle:] == 2).sum() > (found[:, :, :middle] == 2).sum()
    assert {2, 41, 515} <= set(np.unique(found).tolist())


def test_the_console_lines_of_the_readme_give_nodes(tmp_path):
    pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")
    pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed")
    before = SLICER.format(shim=str(ROOT / "Testing" / "shim"))
    printed = run(before + lines_of_the_readme("In 3D Slicer"), tmp_path)
    assert "SyntheticCT segmentation" in printed and "SyntheticMR to SyntheticCT" in printed
    assert "register" in printed and "segment" in printed
    table = (tmp_path / "measurements.csv").read_text(encoding="utf-8")
    assert "Left thalamus" in table and "volume_ml" in table
