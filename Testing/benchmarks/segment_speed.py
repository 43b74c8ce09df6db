"""Seconds and memory of ``segment`` without registration on a made-up head of 1 mm (256 x 256 x 256 voxels).

    python Testing/benchmarks/segment_speed.py --labels LABEL_MAP [--runs 3] [--model NAME_OR_FOLDER]

LABEL_MAP is a whole-head label map that training never saw. Each run is a process of its own, start of Python and
import of torch included; the peak is that of the process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    anatomy = load_anatomy(given.labels)
    names = ("CT", "T1")
    patient = sample_patient(np.random.default_rng(3), anatomy, names, strength=0.5, strip_chance=0.0)
    codes, lesions = locate(anatomy, patient, anatomy.grid)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in names:
            write_volume(render(codes, lesions, patient, anatomy.grid, name), place / f"{name}.nrrd")
        for inputs in (("CT",), ("T1",), names):
            seconds, memory = [], []
            for run in range(given.runs):
                out = place / f"{'-'.join(inputs)}-{run}"
                volumes = [word for name in inputs for word in (f"--{name.lower()}", str(place / f"{name}.nrrd"))]
                options = ["--registration", "none", "--model", str(given.model), "--out", str(out)]
                began = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "MultimodalSegLib", "segment", *volumes, *options],
                    check=True,
                    capture_output=True,
                )
                seconds.append(time.perf_counter() - began)
                memory.append(json.loads((out / "run.json").read_text())["peak_memory_mb"])
            print(
                f"{'+'.join(inputs):6} median {statistics.median(seconds):.1f} s (of {given.runs}, "
                f"{min(seconds):.1f} to {max(seconds):.1f}), peak {max(memory):.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
