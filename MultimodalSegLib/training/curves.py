"""The record of a run: ``log.csv``, ``validation.csv``, ``curves.png`` and TensorBoard."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..writing import whole_file

LOG, VALIDATION, PICTURE, TENSORBOARD = "log.csv", "validation.csv", "curves.png", "tensorboard"


class Table:
    """A CSV file whose rows begin with a step; columns may come later.

    Args:
        path: the file; rows that are there already are kept up to ``step``.
        step: where the run goes on.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    values = {name: float(value) for name, value in row.items() if value}
                    if values.get("step", math.inf) <= step:
                        self.rows.append(values)
        self.columns = list(dict.fromkeys(name for row in self.rows for name in row))
        self._write()

    def add(self, row: Mapping[str, float]) -> None:
        """Append a row."""
        self.rows.append(dict(row))
        new = [name for name in row if name not in self.columns]
        self.columns += new
        if new:
            self._write()
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                self._writer(file).writerow(_rounded(row))

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """Steps and values where the column has one."""
        rows = [row for row in self.rows if name in row]
        return [row["step"] for row in rows], [row[name] for row in rows]

    def _write(self) -> None:
        if not self.rows:
            self.path.unlink(missing_ok=True)
            return
        with whole_file(self.path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(map(_rounded, self.rows))

    def _writer(self, file: Any) -> csv.DictWriter[str]:
        return csv.DictWriter(file, self.columns)


def _rounded(row: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in row.items() if not math.isnan(value)}


class Curves:
    """Everything that is written about a run while it goes on.

    Args:
        folder: of the run.
        step: where the run goes on; later rows, left by a run that was killed, are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        try:
            self.log, self.validation = Table(folder / LOG, step), Table(folder / VALIDATION, step)
        except OSError as error:
            raise _unwritable(folder, error) from error
        self._board = _tensorboard(folder / TENSORBOARD, step)

    def add_row(self, row: Mapping[str, float]) -> None:
        """One row of the log; ``step`` is one of its names."""
        self._add(self.log, row, "training")

    def add_scores(self, row: Mapping[str, float]) -> None:
        """One row of the validation: ``step``, ``mean`` and the Dice of each class."""
        self._add(self.validation, row, "Dice")

    def draw(self) -> None:
        """Write ``curves.png``."""
        try:
            draw_curves(self.log, self.validation, self.folder / PICTURE)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def close(self) -> None:
        """Nothing more will come."""
        if self._board is not None:
            self._board.close()

    def _add(self, table: Table, row: Mapping[str, float], group: str) -> None:
        try:
            table.add(row)
            if self._board is not None:
                for name, value in row.items():
                    if name != "step" and not math.isnan(value):
                        self._board.add_scalar(f"{group}/{name}", value, int(row["step"]))
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def draw_curves(log: Table, validation: Table, path: Path) -> None:
    """Losses, Dice and learning rate over the steps, one below the other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 10), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    losses, dice, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    apart = {"step", "seconds", "learning_rate", "gradient_norm", "skipped", "wait"}
    for name in (name for name in log.columns if name not in apart):
        steps, values = log.column(name)
        if any(value > 0 for value in values):
            losses.plot(steps, values, label=name, linewidth=2.2 if name == "loss" else 1.2)
    losses.set(ylabel="loss (unweighted parts)", yscale="log")
    for name in (name for name in validation.columns if name not in ("step", "mean")):
        dice.plot(*validation.column(name), color="0.75", linewidth=0.8)
    dice.plot([], [], color="0.75", label="each class")
    dice.plot(*validation.column("mean"), marker="o", markersize=3, linewidth=2.2, label="mean of the classes")
    dice.set(ylabel="Dice of held-out samples", ylim=(0, 1))
    rate.plot(*log.column("learning_rate"))
    rate.set(ylabel="learning rate", xlabel="step")
    for axes in (losses, dice, rate):
        axes.grid(alpha=0.3)
    for axes in (losses, dice):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best", fontsize="small", ncols=2)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")


def _tensorboard(folder: Path, step: int) -> Any:
    """A writer for TensorBoard; None, with a warning, where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        warnings.warn("TensorBoard is not installed; the curves are in log.csv and curves.png alone.", stacklevel=2)
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot write into {folder}: {error.strerror}.", "Free some disk space or choose another folder."
    )
