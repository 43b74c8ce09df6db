"""Seconds and memory of ``segment`` without registration on a made-up head of 1 mm, by model and engine.

    python Testing/benchmarks/segment_speed.py --labels LABEL_MAP [--models default] [--engines torch openvino]
        [--runs 3] [--threads 2] [--device auto] [--out results/segment_speed]

LABEL_MAP is a whole-head label map that training never saw. Each run is a process of its own. The first run of a
model, engine and set of inputs begins with an empty cache of compiled networks; what it takes more than the others is a
column of its own. "Warm" is one process that has loaded the model and segments again. The peak is that of the process
less that of one that only imports what a run imports. Seconds of ``segment`` are those of reading, segmenting,
measuring and writing, without the start of Python; slices are axial ones of the input.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.machine import usable_processors, versions
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient

NAMES = ("CT", "T1")
INPUTS = (("CT",), ("T1",), NAMES)
IMPORTS = """
import MultimodalSegLib.pipeline, MultimodalSegLib.inference.predict, MultimodalSegLib.networks.compiled
import MultimodalSegLib.report.report, MultimodalSegLib.networks.build, safetensors.torch
{engine}
from MultimodalSegLib.machine import peak_memory_mb
print(peak_memory_mb())
"""
OPENVINO = "from MultimodalSegLib.networks.engine import import_openvino; import_openvino()"


@dataclass(frozen=True)
class Row:
    """Medians of the runs after the first.

    Args:
        model: name.
        engine: that computed it.
        device: where.
        inputs: modalities.
        windows: passes through the network.
        network_s: of the network alone.
        segment_s: of the whole work of ``segment``.
        process_s: with the start of Python.
        warm_network_s: of the network alone, the model loaded and compiled before.
        warm_segment_s: of the whole work, likewise.
        first_extra_s: by how much the first process took longer.
        peak_above_imports_mb: the highest of all runs but the first.
        first_peak_above_imports_mb: of the first.
        slices_per_s: of the whole work.
        network_slices_per_s: of the network alone.
    """

    model: str
    engine: str
    device: str
    inputs: str
    windows: int
    network_s: float
    segment_s: float
    process_s: float
    warm_network_s: float
    warm_segment_s: float
    first_extra_s: float
    peak_above_imports_mb: float
    first_peak_above_imports_mb: float
    slices_per_s: float
    network_slices_per_s: float


@dataclass(frozen=True)
class Run:
    """One process: its wall seconds and its ``run.json``."""

    process_s: float
    record: dict[str, Any]

    @property
    def segment_s(self) -> float:
        return float(sum(self.record["seconds"].values()))

    @property
    def network_s(self) -> float:
        return float(self.record["segmentation"]["network_seconds"])

    @property
    def peak_mb(self) -> float:
        return float(self.record["peak_memory_mb"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["default"])
    parser.add_argument("--engines", nargs="+", default=["torch", "openvino"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--runs", type=int, default=3, help="after the first")
    parser.add_argument("--threads", type=int, default=usable_processors())
    parser.add_argument("--out", type=Path, help="name of a CSV and a Markdown file without ending")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        slices = write_head(given.labels, place)
        for engine in given.engines:
            base = imported_mb(engine)
            for model in given.models:
                for inputs in INPUTS:
                    volumes = {name: str(place / f"{name}.nrrd") for name in inputs}
                    options = {"model": model, "engine": engine, "device": given.device, "threads": given.threads}
                    runs = measured(place, volumes, options, given.runs)
                    if not runs:
                        continue
                    warm = warm_seconds({**options, "volumes": volumes, "out": str(place / "warm")}, given.runs)
                    rows.append(summary(model, inputs, runs, warm, base, slices))
                    print(json.dumps(asdict(rows[-1])), flush=True)
    if given.out and rows:
        write(rows, given.out, given.threads, given.runs)


def write_head(labels: Path, place: Path) -> int:
    """CT and T1 of one made-up patient as files; gives the number of axial slices."""
    anatomy = load_anatomy(labels)
    patient = sample_patient(np.random.default_rng(3), anatomy, NAMES, strength=0.5, strip_chance=0.0)
    codes, lesions = locate(anatomy, patient, anatomy.grid)
    for name in NAMES:
        write_volume(render(codes, lesions, patient, anatomy.grid, name), place / f"{name}.nrrd")
    return int(anatomy.grid.size[2])


def imported_mb(engine: str) -> float:
    """Peak memory of a process that only imports."""
    code = IMPORTS.format(engine=OPENVINO if engine == "openvino" else "")
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    return float(told.stdout.split()[-1])


def measured(place: Path, volumes: Mapping[str, str], options: Mapping[str, Any], count: int) -> list[Run]:
    """The first run and ``count`` more; none if the engine cannot compute the model, which is printed."""
    found: list[Run] = []
    said = {**{name.lower(): file for name, file in volumes.items()}, **options}
    words = [word for name, value in said.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(count + 1):
            out = place / "run"
            command = [sys.executable, "-m", "MultimodalSegLib", "segment", *words, "--registration", "none"]
            began = time.perf_counter()
            ended = subprocess.run(
                [*command, "--overwrite", "--out", str(out)],
                env={**os.environ, "MMS_CACHE": cache},
                capture_output=True,
                text=True,
            )
            seconds = time.perf_counter() - began
            if ended.returncode:
                print(" ".join(words), "->", " ".join(ended.stderr.split()), file=sys.stderr)
                return []
            found.append(Run(seconds, json.loads((out / "run.json").read_text(encoding="utf-8"))))
    return found


def warm_seconds(options: Mapping[str, Any], count: int) -> tuple[float, float]:
    """Medians of ``count`` runs in a process that has the model loaded: of the network, and of the whole work."""
    script = str(Path(__file__).with_name("segment_warm.py"))
    command = [sys.executable, "-W", "ignore", script, str(count), json.dumps(options)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    network, whole = zip(*json.loads(told.splitlines()[-1]), strict=True)
    return statistics.median(network), statistics.median(whole)


def summary(
    model: str,
    inputs: Sequence[str],
    runs: Sequence[Run],
    warm: tuple[float, float],
    base_mb: float,
    slices: int,
) -> Row:
    """The row of one model, engine and set of inputs."""
    first, *others = runs
    network, whole, process = (
        statistics.median(getattr(run, name) for run in others) for name in ("network_s", "segment_s", "process_s")
    )
    said = first.record["segmentation"]
    return Row(
        model=first.record["model"]["name"] if model == "default" else model,
        engine=said["engine"],
        device=first.record["device"],
        inputs="+".join(inputs),
        windows=said["windows"],
        network_s=round(network, 2),
        segment_s=round(whole, 2),
        process_s=round(process, 2),
        warm_network_s=round(warm[0], 2),
        warm_segment_s=round(warm[1], 2),
        first_extra_s=round(first.process_s - process, 2),
        peak_above_imports_mb=round(max(run.peak_mb for run in others) - base_mb),
        first_peak_above_imports_mb=round(first.peak_mb - base_mb),
        slices_per_s=round(slices / whole, 1),
        network_slices_per_s=round(slices / network, 1),
    )


def write(rows: Sequence[Row], out: Path, threads: int, count: int) -> None:
    """A CSV and a Markdown table."""
    names = [field.name for field in fields(Row)]
    with out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    told = versions()
    head = f"{threads} threads, median of {count} runs after the first; torch {told['torch']}, Python {told['python']}."
    lines = ["# Speed of `segment`", "", head, "", "| " + " | ".join(names) + " |", "| --- " * len(names) + "|"]
    lines += ["| " + " | ".join(str(value) for value in asdict(row).values()) + " |" for row in rows]
    out.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
