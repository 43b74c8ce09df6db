"""``doctor``: what this computer and installation can do, what is missing, and how to get it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from ..machine import usable_processors, version_of, versions
from .ending import ending
from .listeners import Terminal
from .models import model_states

EXTRAS = {
    "headless": {"slicer-core": "scenes and pictures", "pillow": "pictures"},
}
"""Packages of each extra, and what they are for."""

LEAST_MEMORY_MB = 3000
LEAST_DISK_MB = 2000


def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False) -> None:
    """Say what this computer and installation can do, what is missing and how to get it.

    The exit code is 1 if nothing can be segmented here.
    """
    told = Terminal()
    with ending(told):
        report = examine()
        if as_json:
            typer.echo(json.dumps(report, indent=2))
        else:
            _show(told, report)
        if any(entry["needed"] for entry in report["missing"]):
            raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """All findings; ``missing`` lists what is missing as ``{"what", "why", "how", "needed"}``."""
    import psutil

    from ..models.folders import search_folders

    memory, models = psutil.virtual_memory(), model_states()
    report: dict[str, Any] = {
        "versions": versions()
        | {name: version_of(name) or "missing" for name in ("slicer-core", "rich", "typer", "psutil")},
        "executable": sys.executable,
        "processors": usable_processors(),
        "memory_mb": {"total": memory.total >> 20, "available": memory.available >> 20},
        "disk_free_mb": shutil.disk_usage(Path.cwd()).free >> 20,
        **_engine(),
        "pictures": _pictures(),
        "model_folders": [str(folder) for folder in search_folders()],
        "models": models,
    }
    report["missing"] = _missing(report)
    return report


def _engine() -> dict[str, Any]:
    """What torch sees."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return {
            "torch_error": str(error),
            "devices": [],
            "default_device": "",
            "precision": "",
            "bf16": False,
            "threads": 0,
        }
    capability = torch.backends.cpu.get_cpu_capability()
    devices: list[dict[str, Any]] = [{"name": "cpu", "what": capability, "memory_mb": None}]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        devices.append({"name": f"cuda:{number}", "what": properties.name, "memory_mb": properties.total_memory >> 20})
    from ..networks.device import choose_device, choose_precision

    chosen = choose_device("auto")
    return {
        "devices": devices,
        "default_device": str(chosen),
        "precision": str(choose_precision(chosen)).removeprefix("torch."),
        "bf16": choose_precision(torch.device("cpu")) is torch.bfloat16,
        "threads": torch.get_num_threads(),
    }


def _pictures() -> dict[str, Any]:
    """Whether scenes can be made and pictures be drawn."""
    from ..slicerside.headless import pictures_possible

    possible, reason = pictures_possible()
    return {"possible": possible, "reason": reason}


def _missing(report: dict[str, Any]) -> list[dict[str, Any]]:
    missing = []

    def add(what: str, why: str, how: str, needed: bool = False) -> None:
        missing.append({"what": what, "why": why, "how": how, "needed": needed})

    for name, version in report["versions"].items():
        if version == "missing" and name not in EXTRAS["headless"]:
            add(name, "segmentation", f"pip install {name}", needed=True)
    if report.get("torch_error"):
        add("torch", f"it cannot be imported: {report['torch_error']}", "Install torch again.", needed=True)
    for extra, packages in EXTRAS.items():
        for name, why in packages.items():
            if not version_of(name):
                add(name, why, f"pip install 'multimodalseg[{extra}]'")
    if not report["pictures"]["possible"] and version_of("slicer-core"):
        add("graphics", "pictures", report["pictures"]["reason"])
    if not any(model["sound"] for model in report["models"]):
        add(
            "a sound model",
            "segmentation",
            "Put a model folder into one of the model folders, or name one with --model.",
            needed=True,
        )
    if report["memory_mb"]["available"] < LEAST_MEMORY_MB:
        add(
            "memory",
            "segmentation in one shot",
            "Close other programs; with little memory overlapping windows are used.",
        )
    if report["disk_free_mb"] < LEAST_DISK_MB:
        add("disk space", "run folders", "Free some space on this disk or use --out on another.")
    return missing


def _show(told: Terminal, report: dict[str, Any]) -> None:
    facts = Table("What", Column("Found", overflow="fold"), title="This computer and installation")
    for name, version in report["versions"].items():
        facts.add_row(name, version)
    for device in report["devices"]:
        memory = f", {device['memory_mb']} MiB" if device["memory_mb"] else ""
        facts.add_row(f"device {device['name']}", f"{device['what']}{memory}")
    facts.add_row("threads", f"{report['threads']} of {report['processors']} processors")
    facts.add_row("bf16 instructions of the processor", "yes" if report["bf16"] else "no")
    facts.add_row("used for the network", f"{report['default_device']}, {report['precision']}")
    facts.add_row("memory", f"{report['memory_mb']['available']} of {report['memory_mb']['total']} MiB available")
    facts.add_row("free disk space here", f"{report['disk_free_mb']} MiB")
    facts.add_row("scenes and pictures", "yes" if report["pictures"]["possible"] else report["pictures"]["reason"])
    for folder in report["model_folders"]:
        facts.add_row("model folder", folder if Path(folder).is_dir() else f"{folder} (not there)")
    for model in report["models"]:
        facts.add_row(f"model {model['name']}", f"{model['state']} ({model['folder']})")
    told.say(facts)
    if not report["missing"]:
        told.say("Nothing is missing.")
        return
    table = Table("Missing", "For", Column("How to get it", overflow="fold"), title="What is missing")
    for entry in report["missing"]:
        table.add_row(entry["what"] + (" (needed)" if entry["needed"] else ""), entry["why"], entry["how"])
    told.say(table)
