"""What README and docs show in Python is run as it stands, on the shipped synthetic pair."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import typer

from MultimodalSegLib.cli import app
from MultimodalSegLib.resources import resource

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in DOCS)]
SLICER = """
import sys
sys.path.insert(0, {shim!r})
import application
application.start()
application.open_module("MultimodalSeg")
import slicer
"""
"""What the application has done before a user types into its console, here on the shim of Slicer."""


def lines_of(page: str, heading: str) -> str:
    """The lines of Python below a heading of a page; there is one block of them."""
    text = (ROOT / page).read_text(encoding="utf-8")
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


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for path, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", text):
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS if f"(docs/{page.name})" not in text] == []


def commands_of(page: str) -> Iterator[list[str]]:
    """The command lines of a page, without ``python -m MultimodalSegLib``."""
    for block in re.findall(r"```(?:sh|bash)\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            if words[:3] == ["python", "-m", "MultimodalSegLib"]:
                yield words[3:]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_exist(page: str) -> None:
    for words in commands_of(page):
        command = typer.main.get_command(app)
        while hasattr(command, "commands") and words:
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, command.name


def test_the_python_lines_of_the_readme_segment_a_case(tmp_path):
    shutil.copy(resource("demo/synthetic/CT.nrrd"), tmp_path / "ct.nrrd")
    sitk.WriteImage(sitk.ReadImage(str(resource("demo/synthetic/MR.nrrd"))), str(tmp_path / "mr.nii.gz"))
    assert "Left cerebral white matter" in run(lines_of("README.md", "Quick start"), tmp_path)
    labels = sitk.ReadImage(str(tmp_path / "labels.nii.gz"))
    assert labels.GetSize() == sitk.ReadImage(str(tmp_path / "ct.nrrd")).GetSize()
    found = sitk.GetArrayFromImage(labels)
    middle = found.shape[2] // 2  # the array's last axis runs to the patient's left
    assert (found[:, :, middle:] == 2).sum() > (found[:, :, :middle] == 2).sum()
    assert {2, 41, 515} <= set(np.unique(found).tolist())


def test_the_console_lines_of_the_docs_give_nodes(tmp_path):
    pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")
    pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed")
    before = SLICER.format(shim=str(ROOT / "Testing" / "shim"))
    printed = run(before + lines_of("docs/slicer.md", "From the Python console"), tmp_path)
    assert "SyntheticCT segmentation" in printed and "SyntheticMR to SyntheticCT" in printed
    assert "register" in printed and "segment" in printed
    table = (tmp_path / "measurements.csv").read_text(encoding="utf-8")
    assert "Left thalamus" in table and "volume_ml" in table
