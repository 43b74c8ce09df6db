"""What each part of the method is worth: the full method against itself without one part, and against other networks.

    python Testing/benchmarks/ablation.py --work FOLDER --labels LABEL_MAPS --hippocampus Task04_Hippocampus \\
        [--only full unet ...] [--seeds 0 1 2] [--steps 600] [--jobs 2] [--device auto] [--estimate]

All runs of a set have the same budget (steps, samples, crops, order, optimizer) and go through ``train`` with a plan
file. Stopped or killed, the same command goes on: finished runs are rows of results/ablation.csv and are not repeated,
a begun one goes on from its checkpoint. --estimate makes two steps of every variant and tells the hours of the whole
table. The trained models stay in --work, for ``shift.py``. Without --labels or --hippocampus that set is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock

import torch
from ablation_run import Computing, Run, carry_out, written_plan
from ablation_sets import TEST_PATIENTS, TRAINING_PATIENTS, AblationSet, hippocampus_set, synthetic_set
from ablation_table import add_run, key, read_rows, table
from ablation_variants import VARIANTS

from MultimodalSegLib.commands.listeners import Terminal
from MultimodalSegLib.errors import MultimodalSegError
from MultimodalSegLib.machine import usable_processors, versions
from MultimodalSegLib.progress import Progress
from MultimodalSegLib.training.data.description import write_text
from MultimodalSegLib.training.distillation.settings import Distillation
from MultimodalSegLib.training.estimate import TRIAL_STEPS, estimate
from MultimodalSegLib.training.plan_file import read_plan
from MultimodalSegLib.training.start import open_source, prepare

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Files:
    """Where the results lie.

    Args:
        folder: of all of them.
    """

    folder: Path

    @property
    def runs(self) -> Path:
        return self.folder / "ablation.csv"

    @property
    def cases(self) -> Path:
        return self.folder / "ablation_cases.csv"

    @property
    def page(self) -> Path:
        return self.folder / "ablation.md"


def all_runs(sets: Mapping[str, AblationSet], names: Iterable[str], seeds: Iterable[int], steps: int) -> list[Run]:
    """Every cell that makes sense: seeds outermost, so that a table begun has all variants soon; teachers first."""
    chosen = [name for name in VARIANTS if name in set(names)]
    return [
        Run(set_name, name, seed, steps)
        for seed in seeds
        for set_name, data in sets.items()
        for name in chosen
        if data.pairs or not VARIANTS[name].pairs_only
    ]


def to_do(runs: Sequence[Run], work: Path, files: Files) -> list[Run]:
    """Runs without a row, and teachers of those whose model is gone."""
    known = {key(row) for row in read_rows(files.runs)}
    missing = [run for run in runs if (run.set_name, run.variant, run.seed, run.steps) not in known]
    teachers = [run.teacher for run in missing if run.teacher and not run.teacher.bundle(work).exists()]
    return list(dict.fromkeys([*[t for t in teachers if t not in missing], *missing]))


def carry_out_all(
    runs: Sequence[Run], sets: Mapping[str, AblationSet], work: Path, files: Files, computing: Computing, jobs: int
) -> int:
    """Every run, several at once, those that need a teacher after the others.

    Returns:
        How many failed.
    """
    lock, failed = Lock(), 0

    def one(run: Run) -> bool:
        try:
            row = carry_out(run, sets[run.set_name], work, computing)
        except MultimodalSegError as error:
            print(f"{error.message} {error.hint}", file=sys.stderr, flush=True)
            return False
        with lock:
            add_run(row, files.runs, files.cases)
            write_page(files)
        said = f"Dice {row['dice']:.3f}, {row['seconds']:.0f} s"
        print(f"{run.set_name} {run.variant} seed {run.seed}: {said}", flush=True)
        return True

    for part in ([run for run in runs if not run.teacher], [run for run in runs if run.teacher]):
        with ThreadPoolExecutor(jobs) as pool:
            failed += list(pool.map(one, part)).count(False)
    return failed


def prepare_cases(sets: Mapping[str, AblationSet], work: Path, steps: int, progress: Progress) -> None:
    """Fill the caches before several runs want to at once."""
    for name in sets:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(name, "full", 0, steps)
            plan = read_plan(written_plan(run, sets[name], work, Computing()))
            open_source(plan, Path(folder), progress)


def estimated(runs: Sequence[Run], sets: Mapping[str, AblationSet], work: Path, computing: Computing) -> str:
    """Hours of some runs, from two steps of each variant in this process: their processor seconds, which other work on
    the computer leaves alone, and which are the seconds of a run that has a processor to itself."""
    lines, whole = ["| set | variant | processor s/step | runs | hours |", "| --- | --- | ---: | ---: | ---: |"], 0.0
    torch.set_num_threads(computing.threads)
    for cell in dict.fromkeys((run.set_name, run.variant) for run in runs):
        same = [run for run in runs if (run.set_name, run.variant) == cell]
        plan = read_plan(written_plan(same[0], sets[cell[0]], work, computing))
        with tempfile.TemporaryDirectory() as folder:
            trainer = prepare(replace(plan, distillation=Distillation()), Path(folder))
            began = time.process_time()
            estimate(trainer)
            seconds = (time.process_time() - began) / TRIAL_STEPS
        hours = len(same) * plan.steps * seconds / 3600
        whole += hours
        lines.append(f"| {cell[0]} | {cell[1]} | {seconds:.2f} | {len(same)} | {hours:.2f} |")
        print(lines[-1], flush=True)
    return "\n".join(
        [*lines, "", f"{whole:.1f} processor hours of training; scoring and a student's teacher come on top."]
    )


def write_page(files: Files) -> None:
    """``ablation.md`` from both tables."""
    runs, cases = read_rows(files.runs), read_rows(files.cases)
    told = versions()
    parts = [
        "# Ablation",
        "Written by `Testing/benchmarks/ablation.py`. Every row of [ablation.csv](ablation.csv) is a run that was "
        "made; each scored case is in [ablation_cases.csv](ablation_cases.csv). Differences are means over test cases "
        "(structures and common seeds averaged first) with the 95 % interval of the bootstrap; they say nothing about "
        "other seeds. Rows with one seed show a tendency at most. Processor seconds are those of a training with its "
        "start, whatever else ran.",
        f"torch {told['torch']}, MONAI {told['monai']}.",
    ]
    for set_name, steps in sorted({(str(row["set"]), int(row["steps"])) for row in runs}):
        own = [row for row in runs if (row["set"], row["steps"]) == (set_name, steps)]
        count = f"{len(own)} runs of {steps} steps ({own[0]['samples']} samples), {own[0]['cases']} test cases"
        parts += [f"## {set_name}", f"{count}.", table(runs, cases, set_name, steps)]
    write_text(files.page, "\n\n".join(parts) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--hippocampus", type=Path)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--patients", type=int, nargs=2, default=[TRAINING_PATIENTS, TEST_PATIENTS])
    parser.add_argument("--jobs", type=int, default=usable_processors())
    parser.add_argument("--threads", type=int, default=1, help="of each job")
    parser.add_argument("--workers", type=int, default=0, help="processes that make samples, of each job")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--estimate", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    told, work, files = Terminal(), given.work.resolve(), Files(given.out)
    computing = Computing(given.device, given.threads, given.workers)
    makers = {}
    if given.labels:
        patients = (given.patients[0], given.patients[1])
        makers["synthetic"] = partial(synthetic_set, given.labels, progress=told, patients=patients)
    if given.hippocampus:
        makers["hippocampus"] = partial(hippocampus_set, given.hippocampus.resolve())
    sets = {name: make(work=work / name) for name, make in makers.items()}
    prepare_cases(sets, work, given.steps, told)
    told.close()
    runs = all_runs(sets, given.only, given.seeds, given.steps)
    if given.estimate:
        print(estimated(runs, sets, work, computing))
        return
    failed = carry_out_all(to_do(runs, work, files), sets, work, files, computing, given.jobs)
    write_page(files)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
