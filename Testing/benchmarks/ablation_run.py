"""One run of the ablation: its plan as a file, ``train``, and the scores of the model that comes out.

A run that was killed goes on from its checkpoint, for ``train`` does; one that is done has its scores in its folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablation_score import case_means
from ablation_sets import AblationSet
from ablation_variants import FULL, VARIANTS, a_plan

from MultimodalSegLib.errors import TrainingError
from MultimodalSegLib.training.checkpoint import LAST
from MultimodalSegLib.training.plan_file import write_plan

HERE = Path(__file__).resolve().parent
SCORES, MODEL = "scores.json", "model"


@dataclass(frozen=True)
class Run:
    """One cell of the table.

    Args:
        set_name: of the data.
        variant: key of :data:`.ablation_variants.VARIANTS`.
        seed: of weights and samples.
        steps: of the training.
    """

    set_name: str
    variant: str
    seed: int
    steps: int

    @property
    def teacher(self) -> Run | None:
        """The run that has to be done before."""
        return replace(self, variant=FULL) if VARIANTS[self.variant].distilled else None

    def folder(self, work: Path) -> Path:
        return work / self.set_name / "runs" / f"{self.variant}-seed{self.seed}-{self.steps}steps"

    def bundle(self, work: Path) -> Path:
        return self.folder(work) / MODEL


@dataclass(frozen=True)
class Computing:
    """Where runs compute.

    Args:
        device: auto, cpu or cuda.
        threads: of each process.
        workers: processes that make the samples of each run; 0 makes them between the steps.
    """

    device: str = "auto"
    threads: int = 1
    workers: int = 0


def carry_out(run: Run, chosen: AblationSet, work: Path, computing: Computing) -> dict[str, Any]:
    """Train and score.

    Returns:
        The row of the run, with the scores by case and structure as ``scores``.

    Raises:
        TrainingError: the training or the scoring failed; with the last lines of the log.
    """
    folder = run.folder(work)
    plan = written_plan(run, chosen, work, computing)
    train = ["-m", "MultimodalSegLib", "train", "--plan", str(plan), "--out", str(folder), "--events", "jsonl"]
    lines, cpu = called(train, folder / "train.log", computing)
    done = next(entry["result"] for entry in map(json.loads, reversed(lines)) if "result" in entry)
    score = [str(HERE / "ablation_score.py"), "--model", str(run.bundle(work)), "--test", str(chosen.test)]
    called([*score, "--out", str(folder / SCORES), "--device", computing.device], folder / "score.log", computing)
    (folder / LAST).unlink(missing_ok=True)  # four times as large as the weights
    found = json.loads((folder / SCORES).read_text(encoding="utf-8"))
    scores = {case: {n: float("nan") if v is None else v for n, v in s.items()} for case, s in found["scores"].items()}
    means = case_means(scores)
    return {
        "set": run.set_name,
        "variant": run.variant,
        "seed": run.seed,
        "steps": done["steps"],
        "samples": done["steps"] * chosen.batch,
        "parameters": found["parameters"],
        "seconds": done["seconds"],
        "processor_seconds": round(cpu, 1),
        "score_seconds": found["score_seconds"],
        "cases": len(means),
        "dice": round(sum(means.values()) / len(means), 4),
        "scores": scores,
    }


def written_plan(run: Run, chosen: AblationSet, work: Path, computing: Computing) -> Path:
    """The plan file of a run."""
    folder = run.folder(work)
    folder.mkdir(parents=True, exist_ok=True)
    teacher = str(run.teacher.bundle(work)) if run.teacher else ""
    cache = work / run.set_name / "prepared"
    plan = a_plan(VARIANTS[run.variant], chosen, run.steps, run.seed, cache=cache, teacher=teacher)
    path = folder / "given.yaml"
    write_plan(replace(plan, device=computing.device, workers=computing.workers), path)
    return path


def called(arguments: Sequence[str], log: Path, computing: Computing) -> tuple[list[str], float]:
    """Run Python with arguments; the lines on its standard output, and the processor seconds that it took.

    Raises:
        TrainingError: it failed.
    """
    paths = os.pathsep.join([str(HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    env: Mapping[str, str] = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": str(computing.threads)}
    out = log.with_suffix(".jsonl")
    with log.open("w", encoding="utf-8") as errors, out.open("w", encoding="utf-8") as answers:
        child = subprocess.Popen([sys.executable, *arguments], stdout=answers, stderr=errors, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    lines = out.read_text(encoding="utf-8").splitlines()
    if child.returncode:
        last = " ".join([*lines[-1:], *log.read_text(encoding="utf-8").splitlines()[-3:]])
        raise TrainingError(f"{log.parent.name} failed: {last}", f"See {log}; the same command goes on.")
    return lines, usage.ru_utime + usage.ru_stime
