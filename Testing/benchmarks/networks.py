"""What every network costs on this computer's processor, and what grouping saves in the fusion layer.

    python Testing/benchmarks/networks.py [--only NAME ...] [--runs 3] [--out FOLDER]

Measures with torch and, where OpenVINO can compute the network, with OpenVINO (labels read in the graph), each in a
process of its own, and writes networks.csv and networks.md. All networks take most of an hour on two idle processors.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from MultimodalSegLib.commands.listeners import Terminal
from MultimodalSegLib.commands.networks import as_csv_text, costs, figure, measured, reasons
from MultimodalSegLib.machine import usable_processors, versions
from MultimodalSegLib.networks.config import teacher
from MultimodalSegLib.networks.cost import CLASSES, FAMILIES, network_names
from MultimodalSegLib.networks.device import choose_precision
from MultimodalSegLib.networks.fusion import GatedFusion

HALF_HEAD = (80, 96, 80)
"""Of the finest scale for a head of 160x192x160."""


def grouping(runs: int) -> list[dict[str, object]]:
    """The fusion layer of each scale of the teacher on a head with two modalities, grouped and not."""
    config, rows = teacher(FAMILIES, CLASSES), []
    present = torch.ones(1, 2, dtype=torch.bool)
    for n, width in enumerate(config.widths):
        features = torch.randn(1, 2, width, *(side // 2**n for side in HALF_HEAD))
        row: dict[str, object] = {"stride": 2 ** (n + 1), "channels": width}
        for name, groups in (("ungrouped", 1), ("grouped", config.groups)):
            layer = GatedFusion(width, groups).eval()
            with torch.inference_mode():
                with FlopCounterMode(display=False) as counter:
                    layer(features, present)
                seconds = []
                for _ in range(runs):
                    start = time.perf_counter()
                    layer(features, present)
                    seconds.append(time.perf_counter() - start)
            row[f"{name} GMAC"] = round(counter.get_total_flops() / 2e9, 3)
            row[f"{name} ms"] = round(1000 * statistics.median(seconds), 2)
        rows.append(row)
    return rows


def markdown(rows: list[dict[str, object]], keys: list[str]) -> str:
    lines = ["| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    lines += ["| " + " | ".join(str(row[key]) for key in keys) + " |" for row in rows]
    return "\n".join(lines)


def shown(row: dict) -> dict[str, object]:
    """A row as it is read."""
    return {
        "network": row["network"],
        "parameters (M)": f"{row['parameters'] / 1e6:.2f}",
        "shape": row["shape"],
        "modalities": row["modalities"],
        "GMAC": f"{row['multiply_adds'] / 1e9:.1f}",
        "engine": row["engine"],
        "seconds": figure(row, "seconds", ".2f"),
        "peak growth (MB)": figure(row, "peak_mb", ".0f"),
    }


def write(rows: list[dict], fused: list[dict[str, object]], runs: int, out: Path) -> None:
    """``networks.csv`` and ``networks.md``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "networks.csv").write_text(as_csv_text(rows), encoding="utf-8")
    precision = str(choose_precision(torch.device("cpu"))).removeprefix("torch.")
    parts = [
        "# Costs of the networks",
        f"Random weights, {CLASSES} structures, left side and lesion; convolutions in {precision}; median of "
        f"{runs} passes on {usable_processors()} processors, torch {versions()['torch']}. Peak growth of the "
        "process: with torch from the loaded network on, with OpenVINO loading and compiling included.",
        markdown([shown(row) for row in rows], list(shown(rows[0]))),
        *(f"No figure (-): {sentence}" for sentence in reasons(rows)),
        "## The fusion layer, grouped and not",
        "Two modalities of a head of 160x192x160, float32, the teacher's scales.",
        markdown(fused, list(fused[0])),
    ]
    (out / "networks.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    told = Terminal()
    counted = costs(given.only or network_names(), told)
    fused, rows = grouping(max(given.runs, 5)), []
    for engine in ("torch", "openvino"):
        for name in dict.fromkeys(row["network"] for row in counted):
            rows += measured([row for row in counted if row["network"] == name], engine, given.runs, None, told)
            write(rows, fused, given.runs, given.out)  # after each, as all of them take long
    told.close()
    print(f"Written: {given.out / 'networks.csv'} and networks.md")


if __name__ == "__main__":
    main()
