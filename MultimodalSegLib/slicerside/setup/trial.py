"""Does torch really work here? One small convolution on the device, in a child process, as an import may crash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...errors import MissingPackageError
from ..process.background import Background
from ..process.processes import answer
from ..text import _

TIMEOUT_S = 120.0
LAST_LINES = 5

PROGRAM = """
import json, sys, time
begin = time.perf_counter()
import torch
wanted = sys.argv[1]
answer = {"torch": torch.__version__, "cuda": torch.cuda.is_available(), "builds": [], "card": "", "capability": ""}
if answer["cuda"]:
    answer["card"] = torch.cuda.get_device_name(0)
    answer["capability"] = "sm_%d%d" % torch.cuda.get_device_capability(0)
    answer["builds"] = torch.cuda.get_arch_list()
device = torch.device("cuda:0" if wanted == "cuda" or wanted == "auto" and answer["cuda"] else "cpu")
answer["device"] = str(device)
torch.manual_seed(0)
image, kernel = torch.randn(1, 8, 16, 16, 16), torch.randn(8, 8, 3, 3, 3)
there = torch.nn.functional.conv3d(image.to(device), kernel.to(device), padding=1).cpu()
here = torch.nn.functional.conv3d(image.double(), kernel.double(), padding=1).float()
answer["difference"] = float((there - here).abs().max() / here.abs().max())
answer["seconds"] = time.perf_counter() - begin
print("TRIAL " + json.dumps(answer))
"""
LARGEST_DIFFERENCE = 0.02
"""Relative; TF32 arithmetic of a graphics card stays well below."""


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Args:
        works: a convolution was right.
        sentence: for the user.
        hint: what to do where it does not work.
        facts: versions, device, seconds.
    """

    works: bool
    sentence: str
    hint: str = ""
    facts: Mapping[str, Any] | None = None


class DeviceTrial(Background):
    """Tries the device out while the application goes on; ``finished(Trial)``.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        python: the interpreter; PythonSlicer or the running Python if None.
    """

    def __init__(self, device: str = "auto", *, python: str | None = None) -> None:
        super().__init__(partial(try_device, device, python=python))


def try_device(device: str = "auto", *, python: str | None = None) -> Trial:
    """Run one small convolution in a child process and compare it with the exact result; takes seconds.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        python: the interpreter; PythonSlicer or the running Python if None.
    """
    try:
        done = answer(["-c", PROGRAM, device], timeout_s=TIMEOUT_S, python=python)
    except MissingPackageError as error:
        return Trial(False, error.message, error.hint)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TRIAL ")]
    if done.returncode == 0 and lines:
        return judge(json.loads(lines[-1].removeprefix("TRIAL ")))
    return explain(done.returncode, done.stderr)


def judge(facts: Mapping[str, Any]) -> Trial:
    """The sentence for a trial that came to its end."""
    if facts["difference"] > LARGEST_DIFFERENCE:
        text = _("torch {torch} computes wrongly on {device}.").format(**facts)
        return Trial(False, text, _("Choose the device cpu, or press Repair."), facts)
    name = facts["card"] if str(facts["device"]).startswith("cuda") else _("the processor")
    text = _("torch {torch} works on {name}.").format(torch=facts["torch"], name=name)
    return Trial(True, text, "", facts)


def explain(code: int, errors: str) -> Trial:
    """One sentence and a way out for a trial that failed."""
    low = errors.lower()
    last = [line.strip() for line in errors.splitlines() if line.strip()][-LAST_LINES:]
    reason = last[-1] if last else _("exit code {code}").format(code=code)
    if "no module named 'torch'" in low:
        return Trial(False, _("torch is not installed."), _("Press Install packages."))
    if "no kernel image" in low or "not compatible with the current pytorch" in low:
        return Trial(
            False,
            _("This torch was not built for this graphics card."),
            _("Install a newer torch with the PyTorch extension, or choose the device cpu."),
        )
    if "cuda" in low and ("driver" in low or "not compiled with cuda" in low or "no nvidia" in low):
        return Trial(
            False,
            _("torch cannot use a graphics card here: {reason}").format(reason=reason),
            _("Choose the device cpu, or update the driver and press Repair."),
        )
    if "out of memory" in low:
        return Trial(
            False,
            _("The graphics card has no free memory."),
            _("Close other programs that use it, or choose the device cpu."),
        )
    return Trial(
        False,
        _("torch does not work: {reason}").format(reason=reason),
        _("Press Repair to install torch again; if that fails, restart Slicer first."),
    )
