"""How good a model is on volumes it never saw: real ones, and made-up pairs of held-out label maps.

    python Testing/benchmarks/real/evaluate.py --data FOLDER [--model NAME_OR_FOLDER] [--only SET ...]
        [--patients N] [--out FOLDER]
    python Testing/benchmarks/real/evaluate.py --again FOLDER

FOLDER holds the development data (``seeg-brain``, ``head-ct``, ``templates``, ``head-labels``, ...); sets that are not
there are left out. Writes ``results.json``, ``README.md`` and one picture a set into OUT, which is
``Testing/benchmarks/results/real/MODEL-VERSION`` by default. Sets that OUT has from an earlier call of the same model
are kept. With --again nothing is measured: means, intervals and ``README.md`` are made anew from the ``results.json``
in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from brains import fpg_t2, seeg_brain, templates
from lesions import clinical_mr, open_ms, remind, stroke_mr
from pictures import draw, keep
from skulls import clin_scct, head_ct
from synthetic import figures, synthetic
from table import markdown
from trial import Trial, plain, score

from MultimodalSegLib import Case, align, load_bundle, segment
from MultimodalSegLib.models.bundle import Bundle

RESULTS = Path(__file__).resolve().parent.parent / "results" / "real"
SETS: dict[str, tuple[str, Callable[[Path], Iterator[Trial]]]] = {
    "seeg-brain": ("seeg-brain", seeg_brain),
    "fpg-t2": ("fpg-t2", fpg_t2),
    "templates": ("templates", templates),
    "head-ct": ("head-ct", head_ct),
    "clin-scct": ("templates", clin_scct),
    "open-ms": ("open-ms", open_ms),
    "remind-022": ("remind-022", remind),
    "stroke-mr": ("stroke-mr", stroke_mr),
    "clinical-mr": ("clinical-mr", clinical_mr),
}
SYNTHETIC = "synthetic"


def measure(trials: Iterator[Trial], model: Bundle, picture: Path) -> dict[str, Any]:
    """Segment every trial of a set and draw its best, median and worst slice."""
    rows, shown, made_up = {}, [], False
    for trial in trials:
        began, cpu = time.perf_counter(), time.process_time()
        case = Case(trial.volumes)
        found = segment(align(case, "rigid" if trial.register else "none"), model)
        spent = {"seconds": time.perf_counter() - began, "processor seconds": time.process_time() - cpu}
        rows[trial.name] = score(trial, found) | spent
        shown.append(keep(trial, found))
        made_up = trial.synthetic
        headline = "  ".join(f"{name} {value:.3f}" for name, value in rows[trial.name]["headline"].items())
        lesion = rows[trial.name]["lesion"]
        print(
            f"{picture.stem} {trial.name}: {headline}  lesion {lesion['found ml']:.1f} of {lesion['true ml']:.1f} ml",
            end="",
        )
        print(f"  ({spent['seconds']:.0f} s)", flush=True)
    title = f"{picture.stem}, {model.name} {model.version}"
    return {"runs": rows, "picture": draw(shown, picture, title, synthetic=made_up)}


def write(results: dict[str, Any], out: Path) -> None:
    """Write what was measured, the means of the made-up patients, and the tables."""
    if made_up := results["sets"].get(SYNTHETIC):
        made_up["figures"] = plain(figures(list(made_up["runs"].values())))
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(markdown(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--data", type=Path)
    way.add_argument("--again", type=Path, metavar="FOLDER", help="tables anew from what is stored there")
    parser.add_argument("--model", default="default")
    parser.add_argument("--only", nargs="*", default=[*SETS, SYNTHETIC], choices=[*SETS, SYNTHETIC])
    parser.add_argument("--patients", type=int, default=1, help="made-up patients of each held-out label map")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.again:
        write(json.loads((given.again / "results.json").read_text(encoding="utf-8")), given.again)
        return
    model = load_bundle(given.model)
    out: Path = given.out or RESULTS / f"{model.name}-{model.version}"
    out.mkdir(parents=True, exist_ok=True)
    identity = {"name": model.name, "version": model.version, "checksum": model.checksum}
    stored = out / "results.json"
    results: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    if results.get("model") != identity:
        results = {"model": identity, "sets": {}}
    todo = {**SETS, SYNTHETIC: ("head-labels", partial(synthetic, patients=given.patients))}
    for name in given.only:
        folder, trials = todo[name]
        if not (given.data / folder).is_dir():
            print(f"{name}: no data")
            continue
        measured = measure(trials(given.data / folder), model, out / f"{name}.png")
        results["sets"][name] = plain(measured)
        write(results, out)
    print(markdown(results))


if __name__ == "__main__":
    main()
