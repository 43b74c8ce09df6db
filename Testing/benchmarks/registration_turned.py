"""Heads that lie the other way round: are they found, and is a wrong side ever called right?

    python Testing/benchmarks/registration_turned.py LABEL_MAPS --pairs 12 --out results/registration_turned

Made-up CT + MRI pairs of held-out label maps, as in ``registration_quality.py``; the MRI of each is turned by 120 to
180 degrees about any axis. Each pair is registered, and judged on the wrong side too: where the optimiser ends when it
begins at the truth turned by that angle. One JSON line a pair; done again, it goes on. The table is written at the end.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from registration_pairs import draw_pair, pyramids, turned, wrong_side

from MultimodalSegLib.evaluation.registration_error import registration_error
from MultimodalSegLib.registration.register import register
from MultimodalSegLib.registration.reliability import judge
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.training.plan import Plan

NAMES = ("CT", "MR")


def one_pair(data: Path, stem: str, seed: int) -> dict[str, Any]:
    """Errors (mm, mean over the head), lights and processor seconds of a pair."""
    key = (int(stem[-2:]), seed)
    rng = np.random.default_rng((79, *key))
    fixed, moving, truth = draw_pair(load_anatomy(data / f"{stem}.nii.gz"), key, NAMES)
    moving, truth, degrees = turned(moving, truth, rng)
    here, there = pyramids(fixed, moving, NAMES)
    wrong = wrong_side(here, there, truth, rng)
    side = judge(here, there, wrong, NAMES)
    began = time.process_time()
    found = register(fixed, moving, fixed_modality=NAMES[0], moving_modality=NAMES[1])
    return {
        "pair": f"{stem}-{seed}",
        "degrees": round(degrees),
        "error": round(registration_error(found.transform, truth, here.head)[0], 2),
        "light": found.quality.light,
        "estimate": found.quality.error_mm,
        "message": found.quality.message,
        "cpu": round(time.process_time() - began, 1),
        "wrong side": round(registration_error(wrong, truth, here.head)[0], 1),
        "its light": side.light,
        "its estimate": side.error_mm,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    names = [name for name in rows[0] if name != "message"]
    lines = [f"| {' | '.join(str(row[name]) for name in names)} |" for row in rows]
    errors = np.array([row["error"] for row in rows])
    wrong = [row for row in rows if row["wrong side"] > 5.0]
    return "\n".join(
        [
            "# Heads that lie the other way round",
            "",
            "Made by `registration_turned.py`. Errors and estimates are millimetres, means over the head; the wrong",
            "side is where the optimiser ends that begins on it.",
            "",
            f"{len(rows)} pairs: median error {np.median(errors):.2f} mm, largest {errors.max():.2f} mm; "
            f"{np.sum(errors > 5.0)} above 5 mm, {sum(r['light'] == 'green' and r['error'] > 5.0 for r in rows)} of "
            f"these green. Of {len(wrong)} wrong sides {sum(r['its light'] == 'red' for r in wrong)} were red, "
            f"{sum(r['its light'] == 'green' for r in wrong)} green.",
            "",
            f"| {' | '.join(names)} |",
            f"|{' --- |' * len(names)}",
            *lines,
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--out", type=Path, required=True, help="name of the two files, .jsonl and .md")
    arguments = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    held_out, file = Plan().held_out, arguments.out.with_suffix(".jsonl")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    for number in range(len(rows), arguments.pairs):
        rows.append(one_pair(arguments.data, held_out[number % len(held_out)], number // len(held_out)))
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(rows[-1]) + "\n")
        print(rows[-1], flush=True)
    arguments.out.with_suffix(".md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
