"""torch is tried out in a real child process, and what breaks it has a way out."""

import sys

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")

from MultimodalSegLib.slicerside.setup import trial


def test_torch_is_tried_out_with_a_convolution_in_a_child_process():
    tried = trial.DeviceTrial("cpu")
    told = []
    tried.finished.connect(told.append)
    tried.start()
    tried.wait()
    (answer,) = told
    assert answer.works and "processor" in answer.sentence and answer.facts["difference"] < 1e-4


def test_a_python_without_torch_is_found_out(tmp_path):
    fake = tmp_path / "torch.py"
    fake.write_text("raise ModuleNotFoundError(\"No module named 'torch'\")", encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    answer = trial.try_device("cpu", python=str(python))
    assert not answer.works and answer.sentence == "torch is not installed." and "Install packages" in answer.hint


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        ("RuntimeError: CUDA error: no kernel image is available for execution on the device", "not built"),
        ("AssertionError: Torch not compiled with CUDA enabled", "graphics card"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "no free memory"),
        ("ImportError: libtorch_cpu.so: undefined symbol: x", "undefined symbol"),
        ("", "exit code 139"),
    ],
)
def test_what_breaks_torch_has_a_way_out(errors, word):
    answer = trial.explain(139, errors)
    assert not answer.works and word in answer.sentence and answer.hint


def test_wrong_arithmetic_is_found_out():
    facts = {"torch": "2.8", "device": "cuda:0", "card": "Card", "difference": 0.5}
    assert not trial.judge(facts).works
    assert "Card" in trial.judge(facts | {"difference": 1e-3}).sentence
