"""The same pairs of volumes through this library, elastix, ANTs and greedy.

    python Testing/benchmarks/registration/run.py --maps HEAD_LABELS [--far] [--data DATA] [--rire FOLDER]
        [--programs ours elastix ANTs greedy] [--pairs 40] [--threads 2] [--work runs/registration] [--keep]
        [--out Testing/benchmarks/results/registration/result]

HEAD_LABELS holds the label maps that training never saw, DATA the folders ``templates``, ``remind-022`` and
``ct-pet-body``. Every program runs in a process of its own. Results are kept in the folder ``--work`` one by one: a run
that was stopped goes on where it was, and more pairs can be asked for. A table, a CSV and plots are written at the end;
results that the CSV had before and ``--work`` has not stay in it.
The other programs: ``pip install .[benchmarks]``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import real_pairs
from pairs import Pair
from programs import PROGRAMS
from synthetic_pairs import synthetic
from table import write_results

HERE = Path(__file__).parent
MOTIONS = 4  # of each set with known motions
LIMIT_S = 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, help="folder of label maps of heads")
    parser.add_argument("--far", action="store_true", help="made-up pairs up to 60 degrees and 100 mm apart as well")
    parser.add_argument("--data", type=Path, help="folder of real volumes and templates")
    parser.add_argument("--rire", type=Path, help="folder with training_001_ct and training_001_mr_T1")
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--pairs", type=int, default=40, help="of made-up scans, for each set of them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("runs/registration"))
    parser.add_argument("--keep", action="store_true", help="keep the volumes")
    parser.add_argument("--out", type=Path, help="results without ending: .csv, .md and .png are written")
    given = parser.parse_args()
    for pair in asked(given):
        register_pair(pair, given.programs, given.work, given.threads, given.keep)
    if given.out:
        write_results(given.work, given.out, given.threads)


def asked(given: argparse.Namespace) -> Iterator[Pair]:
    """The pairs of a call."""
    if given.data:
        yield from real_pairs.remind(given.data / "remind-022")
        yield from real_pairs.ct_pet(given.data / "ct-pet-body", MOTIONS)
        yield from real_pairs.templates(given.data / "templates", MOTIONS)
    if given.rire:
        yield from real_pairs.rire(given.rire)
    if given.maps:
        yield from synthetic(given.maps, given.pairs)
        if given.far:
            yield from synthetic(given.maps, given.pairs, far=True)


def register_pair(pair: Pair, programs: list[str], work: Path, threads: int, keep: bool) -> None:
    """What is still missing of one pair."""
    place = work / pair.name
    missing = [name for name in programs if not (place / f"{name}.json").exists()]
    if not missing:
        return
    if not (place / "moving.nii").exists():
        pair.write(work)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)}
    for name in missing:
        command = [sys.executable, "-W", "ignore", str(HERE / "programs.py"), name, str(place), str(threads)]
        try:
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
            said = ended.stderr.strip().splitlines()[-1:] if ended.returncode else ["done"]
        except subprocess.TimeoutExpired:
            said = [f"not done after {LIMIT_S} s; it is tried again next time"]
        print(f"{pair.name} {name}: {' '.join(said)}", flush=True)
    if not keep:
        for file in ("fixed.nii", "moving.nii"):
            (place / file).unlink(missing_ok=True)
    shutil.rmtree(place / "files", ignore_errors=True)


if __name__ == "__main__":
    main()
