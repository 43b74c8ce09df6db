"""What the command ``doctor`` finds in the Python that runs the library, as text for the panel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from ...errors import MissingPackageError
from ..process.background import Background
from ..process.processes import answer
from ..text import _

TIMEOUT_S = 180.0


class Doctor(Background):
    """Asks the doctor while the application goes on; ``finished(dict)`` with what :func:`doctor_text` takes.

    Args:
        python: the interpreter; PythonSlicer or the running Python if None.
    """

    def __init__(self, *, python: str | None = None) -> None:
        super().__init__(partial(_report_or_reason, python=python))


def ask_doctor(*, python: str | None = None) -> dict[str, Any]:
    """The report of ``python -m MultimodalSegLib doctor --json``; takes seconds.

    Raises:
        MissingPackageError: the command cannot be run, as a package that it needs itself is missing.
    """
    done = answer(["-m", "MultimodalSegLib", "doctor", "--json"], timeout_s=TIMEOUT_S, python=python)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit code {done.returncode}"]
        raise MissingPackageError(
            _("The examination failed: {reason}").format(reason=last[0].strip()), _("Press Install packages.")
        ) from error
    return report


def _report_or_reason(*, python: str | None) -> dict[str, Any]:
    try:
        return ask_doctor(python=python)
    except MissingPackageError as error:
        return {"error": error.sentences}


def doctor_text(report: Mapping[str, Any]) -> str:
    """The report as lines for a person: what is missing first, then what there is.

    Args:
        report: of :func:`ask_doctor` or :class:`Doctor`.
    """
    if "error" in report:
        return str(report["error"])
    lines = []
    for entry in report["missing"]:
        if entry["how"].startswith("pip install 'multimodalseg["):
            continue  # training, clusters, pictures without the application: not for the panel
        mark = _("Needed") if entry["needed"] else _("Missing")
        lines.append(
            _("{mark}: {what} ({why}). {how}").format(mark=mark, **{k: entry[k] for k in ("what", "why", "how")})
        )
    if not any(entry["needed"] for entry in report["missing"]):
        lines.insert(0, _("Everything that a segmentation needs is there."))
    memory = report["memory_mb"]
    lines.append(
        _("Memory: {available:.1f} of {total:.1f} GB free. Disk: {disk:.1f} GB free. Processors: {count}.").format(
            available=memory["available"] / 1024,
            total=memory["total"] / 1024,
            disk=report["disk_free_mb"] / 1024,
            count=report["processors"],
        )
    )
    for device in report["devices"]:
        used = _(" (used)") if device["name"] == report["default_device"] else ""
        lines.append(_("Device {name}: {what}{used}").format(name=device["name"], what=device["what"], used=used))
    for model in report["models"]:
        lines.append(_("Model {name}: {state}").format(name=model["name"], state=model["state"]))
    lines += [f"{name} {version}" for name, version in report["versions"].items() if name != "slicer-core"]
    return "\n".join(lines)
