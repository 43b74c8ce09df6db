"""What boundary and topology loss add to the time of a training step.

    python Testing/benchmarks/topology_share.py --labels FOLDER [--samples 8] [--cores 2] [--model NAME_OR_FOLDER]

FOLDER holds whole-head label maps. The shipped model goes on training on made-up patients of the last stage of the
plan: forward, all losses, backward, clipping and AdamW. On a processor one thread works and its own time is taken, so
that other work on the machine matters little; on a GPU it is the clock's (give --cores 1). Topology is due at each of
these steps. Its share is that of one due step in every eight, as if the rest of a step were shared among the cores and
topology ran on one alone.
Without --labels images and truth are random blobs of the same size.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from MultimodalSegLib.losses.schedule import HEAD_SCHEDULE, LossSchedule, LossWeights
from MultimodalSegLib.losses.topology import TopologyLoss
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.networks.device import choose_device, choose_precision
from MultimodalSegLib.synthesis.anatomy import head_classes, load_anatomy
from MultimodalSegLib.training.objective import Objective
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import Sample, make_sample

RESULTS = Path(__file__).resolve().parent / "results"
STRUCTURES = ("lateral ventricle", "hippocampus")
"""Whose topology counts."""
LATE = HEAD_SCHEDULE.at(1.0)
PLAIN = LossWeights(**{**vars(LATE), "beta": 0.0, "gamma": 0.0})
WITH_BOUNDARY = LossWeights(**{**vars(LATE), "gamma": 0.0})
INTERVAL = TopologyLoss().interval
COLUMNS = ("losses", "median step (s)", "added (s)", "largest added (s)", f"share at interval {INTERVAL} (%)")


def objectives() -> dict[str, Objective]:
    """The sets of losses that are compared; each is compared with the line it builds on, see :func:`main`."""
    channels = [n for n, entry in enumerate(head_classes()["classes"]) if entry["name"] in STRUCTURES]
    sets = {
        "Dice, cross-entropy, heads": Objective(LossSchedule(((0.0, PLAIN),))),
        "+ boundary": Objective(LossSchedule(((0.0, WITH_BOUNDARY),))),
    }
    for size in (24, 32):
        loss = TopologyLoss(size=size)
        sets[f"+ topology, {size} voxels a side"] = Objective(LossSchedule(((0.0, LATE),)), loss, channels)
    return sets


def samples(folder: Path | None, count: int) -> Iterator[Sample]:
    """Made-up patients of the plan's last stage, or random blobs."""
    plan = Plan()
    maps = sorted(folder.glob("*.nii*")) if folder else []
    for n in range(count):
        rng = np.random.default_rng(n)
        if maps:
            yield make_sample(load_anatomy(maps[n % len(maps)]), rng, plan, 1.0)
        else:
            yield random_blobs(rng, plan.stages[-1].sizes[0])


def random_blobs(rng: np.random.Generator, shape: tuple[int, int, int]) -> Sample:
    """Blocks of 8 voxels with a random class, two modalities."""
    blocks = torch.from_numpy(rng.integers(0, len(head_classes()["classes"]), [n // 8 for n in shape]))
    channel = blocks.repeat_interleave(8, 0).repeat_interleave(8, 1).repeat_interleave(8, 2)[None]
    images = torch.from_numpy(rng.standard_normal((1, 2, *shape), dtype=np.float32))
    lesion = (channel == 1)[:, None].float()
    return Sample(images, torch.tensor([[0, 1]]), channel, lesion.to(torch.int8), lesion)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    torch.set_num_threads(1)  # waiting threads would count as work
    device = choose_device("auto")
    mixed = choose_precision(device) is torch.bfloat16
    network = load_bundle(given.model).network().to(device).train()
    for parameter in network.parameters():
        parameter.requires_grad_()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)

    clock = time.perf_counter if device.type == "cuda" else time.process_time

    def step(sample: Sample, objective: Objective) -> float:
        began = clock()
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            output = network(sample.images, torch.ones_like(sample.family, dtype=torch.bool), sample.family)
        loss, _ = objective(output, sample, 1.0, 0, (1.5, 1.5, 1.5))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return clock() - began

    sets = objectives()
    seconds: dict[str, list[float]] = {name: [] for name in sets}
    for n, sample in enumerate(samples(given.labels, given.samples)):
        moved = Sample(*(value.to(device) for value in vars(sample).values()))
        if n == 0:
            step(moved, sets["+ boundary"])  # memory and kernels of the first step
        for name, objective in sets.items():
            seconds[name].append(step(moved, objective))
        print(tuple(sample.channel.shape[1:]), {k: round(v[-1], 2) for k, v in seconds.items()}, flush=True)
    write(seconds, f"{platform.processor() or platform.machine()}, {device}, ", given)


def write(seconds: dict[str, list[float]], machine: str, given: argparse.Namespace) -> None:
    """The table as CSV and Markdown."""
    plain, boundary, *topology = seconds
    rows = []
    for name, values in seconds.items():
        base = seconds[boundary if name in topology else plain]
        added = [value - other for value, other in zip(values, base, strict=True)]
        due, rest = statistics.median(added) / INTERVAL, statistics.median(base) / given.cores
        share = f"{100 * due / (rest + due):.1f}" if name in topology else ""
        rows.append(
            [name, f"{statistics.median(values):.2f}", f"{statistics.median(added):.2f}", f"{max(added):.2f}", share]
        )
    with (RESULTS / "topology_share.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    source = "made-up patients of the plan's last stage" if given.labels else "random blobs of 96x96x96 voxels"
    lines = [
        "# Time of a training step with boundary and topology loss",
        "",
        f"{machine}{'bfloat16' if choose_precision(choose_device('auto')) is torch.bfloat16 else 'float32'}; "
        f"{given.samples} samples, {source}; the shipped model goes on training.",
        "Seconds of one processor thread. A row of topology is compared with that of the boundary, at steps at which",
        f"it is due. The share is that of one due step in {INTERVAL}, the rest of a step on {given.cores} cores",
        "and topology on one alone.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "| --- |" + " ---: |" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    (RESULTS / "topology_share.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
