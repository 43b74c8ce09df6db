"""Seconds, memory and energy of a pass through a network, each measured in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..machine import linux_memory_mb, peak_memory_mb
from .energy import CardEnergy, ProcessorEnergy

SHARE = 0.9
"""Part of the memory that is free at the start that a measured process may take."""

POLL_S = 0.05


@dataclass(frozen=True)
class Measurement:
    """What a pass took.

    Args:
        seconds: median wall time of the passes, the first (which warms up) left out.
        peak_mb: by how many MiB the process grew at most. With torch the network is loaded before, with OpenVINO its
            loading and compilation count.
        state: ``"measured"``, ``"out of memory"``, or why it could not be measured.
        card_mb: highest memory of the graphics card, MiB; None on a processor.
        processor_joules: energy of a pass by the processors' counters, with all else that ran; None without them.
        card_joules: energy of a pass by the card's counter; None without it.
    """

    seconds: float | None
    peak_mb: float | None
    state: str
    card_mb: float | None = None
    processor_joules: float | None = None
    card_joules: float | None = None


def measure(
    entry: Mapping[str, Any],
    shape: Sequence[int],
    modalities: int,
    *,
    engine: str = "torch",
    device: str = "cpu",
    runs: int = 3,
    memory_limit_mb: float | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Measurement:
    """Measure a network with random weights on noise, as precisely as ``segment`` would compute.

    Args:
        entry: as for :func:`.build.build_network`.
        shape: (D, H, W) voxels.
        modalities: number of volumes, all present.
        engine: ``"torch"``, or ``"openvino"`` for the graph that reads the labels (:class:`.graph.LabelGraph`),
            which is for processors.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        runs: passes after the first.
        memory_limit_mb: a process that takes more is ended; nine tenths of the free memory if None.
        waiting: called many times a second; may raise to stop, which ends the process.

    Returns:
        The measurement; its ``state`` says if there is none.

    Example:
        >>> measure({"kind": "unet", "families": 2, "classes": 27}, (96, 96, 96), 2).seconds    # doctest: +SKIP
        4.1
    """
    with tempfile.TemporaryDirectory(prefix="multimodalseg-") as folder:
        work = {"entry": dict(entry), "shape": list(shape), "modalities": modalities, "runs": runs, "folder": folder}
        work["device"] = device
        for step in ("export", "openvino") if engine == "openvino" else ("torch",):
            answer = _in_child(work | {"step": step}, memory_limit_mb, waiting)
            if "state" in answer:
                break
    return Measurement(**{"seconds": None, "peak_mb": None, "state": "measured"} | answer)


def _in_child(work: dict[str, Any], limit_mb: float | None, waiting: Callable[[], None]) -> dict[str, Any]:
    """The answer of a child process, which is watched and ended before it takes the memory of others."""
    import psutil

    limit = limit_mb * 2**20 if limit_mb else SHARE * psutil.virtual_memory().available
    package = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        child = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(work)],
            stdout=out,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": paths},
        )
        try:
            watched = psutil.Process(child.pid)
            while child.poll() is None:
                waiting()
                with contextlib.suppress(psutil.Error):
                    if watched.memory_info().rss > limit:
                        return {"state": "out of memory"}
                time.sleep(POLL_S)
        finally:
            child.kill()
            child.wait()
        out.seek(0)
        errors.seek(0)
        lines, told = out.read().splitlines(), errors.read().strip().splitlines()
    if child.returncode == 0 and lines:
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer
    if child.returncode == -9:  # the system ended it; it had not been asked to
        return {"state": "out of memory"}
    return {"state": told[-1] if told else f"ended with code {child.returncode}"}


def _child(work: dict[str, Any]) -> dict[str, Any]:
    """One step of a measurement, in the child."""
    step = {"torch": _torch, "export": _export, "openvino": _openvino}[work["step"]]
    try:
        return step(work)
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(t in text for t in ("allocate memory", "out of memory", "bad_alloc")):
            return {"state": "out of memory"}
        raise


def _torch(work: dict[str, Any]) -> dict[str, Any]:
    import torch

    from .device import choose_device, choose_precision

    device = choose_device(work["device"])
    network = _network(work).to(device)
    images, modality = (value.to(device) for value in _inputs(work))
    present = torch.ones(images.shape[:2], dtype=torch.bool, device=device)
    precision = choose_precision(device)
    on_card = device.type == "cuda"

    @torch.inference_mode()
    def run() -> None:
        with torch.autocast(device.type, precision, enabled=precision is not torch.float32):
            network(images, present, modality)
        if on_card:
            torch.cuda.synchronize(device)

    card = str(torch.cuda.get_device_properties(device).uuid) if on_card else ""
    answer = _measured(run, work["runs"], _Growth(), card)
    return answer | {"card_mb": round(torch.cuda.max_memory_allocated(device) / 2**20, 1) if on_card else None}


def _export(work: dict[str, Any]) -> dict[str, Any]:
    from ..errors import MultimodalSegError
    from .export import to_openvino

    path = Path(work["folder"]) / "network.xml"
    try:
        to_openvino(_network(work), path, work["shape"], work["modalities"], labels=True)
    except MultimodalSegError as error:
        return {"state": error.message}
    return {}


def _openvino(work: dict[str, Any]) -> dict[str, Any]:
    from .engine import OpenVinoNetwork, import_openvino

    import_openvino()
    images, modality = _inputs(work)
    growth = _Growth()
    network = OpenVinoNetwork(Path(work["folder"]) / "network.xml")
    return _measured(lambda: network(images, modality), work["runs"], growth)


def _network(work: dict[str, Any]) -> Any:
    import torch

    from .build import build_network

    torch.manual_seed(0)
    return build_network(work["entry"]).eval()


def _inputs(work: dict[str, Any]) -> Any:
    import torch

    count = work["modalities"]
    return torch.randn(1, count, *work["shape"]), torch.arange(count)[None] % work["entry"]["families"]


def _measured(run: Callable[[], object], runs: int, growth: _Growth, card: str = "") -> dict[str, Any]:
    run()
    seconds = []
    processor, on_card = ProcessorEnergy(), CardEnergy(card)
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    taken = {"processor_joules": processor.joules(), "card_joules": on_card.joules()}
    return {
        "seconds": round(statistics.median(seconds), 3),
        "peak_mb": round(growth.mb(), 1),
        **{name: None if joules is None else round(joules / runs, 2) for name, joules in taken.items()},
    }


class _Growth:
    """By how much this process has grown at most since now."""

    def __init__(self) -> None:
        # Linux: forget the peak of before, which may lie higher than what is in use now
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        self._before = self._now("VmRSS")

    def mb(self) -> float:
        return self._now("VmHWM") - self._before

    @staticmethod
    def _now(field: str) -> float:
        found = linux_memory_mb(field)
        return peak_memory_mb() if found is None else found


if __name__ == "__main__":
    print(json.dumps(_child(json.loads(sys.argv[1]))))
