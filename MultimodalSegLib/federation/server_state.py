"""What the server of a federation keeps: weights, their average, and how each site does."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..models.bundle import Bundle
from ..models.save import save_bundle
from .average import Weights, follow
from .settings import Federation

STATE, METRICS = "state.safetensors", "metrics.csv"
"""Weights after the last finished round, and the metrics of each site and round."""

FINAL = "final"
"""In place of a number of a round: the model that the federation leads to."""


@dataclass(frozen=True)
class ServerState:
    """After a round.

    Args:
        rounds: that are over.
        weights: which the sites begin the next round with.
        average: over the rounds, which is the model.
    """

    rounds: int
    weights: Weights
    average: Weights

    def after_round(self, weights: Weights, decay: float) -> ServerState:
        """The state after one more round, whose sites have led to these weights."""
        rounds = self.rounds + 1
        return replace(self, rounds=rounds, weights=weights, average=follow(self.average, weights, decay, rounds))

    def write(self, folder: Path) -> None:
        """Write to a temporary name and rename, so that a server that is killed finds the round before."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        content = {f"weights.{name}": np.asarray(value, order="C") for name, value in self.weights.items()}
        content |= {f"average.{name}": np.asarray(value, order="C") for name, value in self.average.items()}
        temporary = folder / f".{STATE}.part"
        save_file(content, str(temporary), metadata={"rounds": str(self.rounds)})
        os.replace(temporary, folder / STATE)

    @classmethod
    def read(cls, folder: Path, first: Weights) -> ServerState:
        """The state in a folder, or that before the first round.

        Raises:
            InputError: a damaged file, or the state of another network.
        """
        if not (folder / STATE).exists():
            return cls(0, first, first)
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(folder / STATE), "numpy") as file:
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
                rounds = int(file.metadata()["rounds"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{folder / STATE} is damaged: {error}.", "Remove it to begin again.") from error
        parts = {
            part: {n.removeprefix(part): v for n, v in found.items() if n.startswith(part)}
            for part in ("weights.", "average.")
        }
        if any(
            {n: v.shape for n, v in part.items()} != {n: np.shape(v) for n, v in first.items()}
            for part in parts.values()
        ):
            raise InputError(f"{folder / STATE} is that of another network.", "Remove it to begin again.")
        return cls(rounds, parts["weights."], parts["average."])


def add_metrics(folder: Path, number: int | str, site: str, cases: int | None, metrics: Mapping[str, float]) -> None:
    """Add what a site has said to ``metrics.csv``; a row that is there already, from before a restart, is replaced.

    Args:
        folder: of the server's state.
        number: of the round, from 0, or ``"final"``; the metrics judge the weights that the site was sent.
        site: its name.
        cases: number of its training cases, if it said so.
        metrics: by name.
    """
    path = folder / METRICS
    rows = read_metrics(folder)
    new = {"round": str(number), "site": site, **({} if cases is None else {"cases": str(cases)})}
    new |= {name: f"{value:.6g}" for name, value in metrics.items()}
    rows = [row for row in rows if (row["round"], row["site"]) != (new["round"], new["site"])] + [new]
    columns = list(dict.fromkeys(["round", "site", "cases", *(name for row in rows for name in row)]))
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{METRICS}.part"
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(temporary, path)


def read_metrics(folder: Path) -> list[dict[str, str]]:
    """Rows of ``metrics.csv``; none if it is not there."""
    try:
        with (folder / METRICS).open(encoding="utf-8", newline="") as file:
            return [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def write_model(state: ServerState, metadata: Mapping[str, Any], federation: Federation, folder: Path) -> Bundle:
    """The averaged weights as a bundle that can be installed.

    Args:
        state: of the server.
        metadata: of the common model.
        federation: its choices.
        folder: where the bundle's folder is made.

    Raises:
        OutputError: it cannot be written.
    """
    import torch

    said = {row["site"]: int(row["cases"]) for row in read_metrics(folder) if "cases" in row}
    content = dict(metadata)
    whole = f"{sum(said.values())} cases of {len(said)} sites, which were never brought together."
    content["training_data"] = f"{whole} {metadata['training_data']}"
    if federation.local_normalization:
        limit = (
            "Its normalization layers were never trained: they stayed at the sites, each of which has its own model."
        )
        content["limits"] = [*metadata["limits"], limit]
    content["training"] = {
        "federation": federation.identity,
        "rounds": state.rounds,
        "steps": state.rounds * federation.local_steps,
        "cases": said,
    }
    weights = {name: torch.tensor(value) for name, value in state.average.items()}
    return save_bundle(folder / str(metadata["name"]), content, weights)
