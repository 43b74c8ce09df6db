"""What the README shows in Python is run as it stands, on the shipped synthetic pair."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.resources import resource

ROOT = Path(__file__).resolve().parent.parent


def test_the_python_lines_of_the_readme_segment_a_case(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    shutil.copy(resource("demo/synthetic/CT.nrrd"), tmp_path / "ct.nrrd")
    sitk.WriteImage(sitk.ReadImage(str(resource("demo/synthetic/MR.nrrd"))), str(tmp_path / "mr.nii.gz"))
    (tmp_path / "lines.py").write_text(blocks[0], encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, "lines.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    assert "Left cerebral white matter" in answer.stdout
    labels = sitk.ReadImage(str(tmp_path / "labels.nii.gz"))
    assert labels.GetSize() == sitk.ReadImage(str(tmp_path / "ct.nrrd")).GetSize()
    found = sitk.GetArrayFromImage(labels)
    middle = found.shape[2] // 2  # the array's last axis runs to the patient's left
    assert (found[:, :, middle:] == 2).sum() > (found[:, :, :middle] == 2).sum()
    assert {2, 41, 515} <= set(np.unique(found).tolist())
