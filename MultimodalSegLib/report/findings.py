"""Everything a run folder holds that a report can tell, as far as it is there."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..inference.segmentation import Segmentation, SegmentClass
from ..registration.aligned import AlignedCase
from .lesion_parts import LesionPart, lesion_parts

Row = Mapping[str, str]


@dataclass(frozen=True)
class Findings:
    """What a report is made of; only the first three are always there.

    Args:
        record: content of run.json.
        aligned: the volumes on the reference grid.
        segmentation: the label map and its classes.
        region: what the model works on, ``"head"``, ``"body"`` or ``"volume"``.
        structures: rows of measurements.csv.
        lesions: rows of lesions.csv.
        weights: mean fusion weight by modality.
        contributions: rows of explanation/contributions.csv.
        contribution_sentences: what follows from them.
        contribution_chart: their chart, explanation/contributions.png; None if there is none.
        uncertainty: content of uncertainty/summary.json.
        uncertainty_maps: files of the maps by name, ``"entropy"`` and ``"disagreement"``.
        maps: files of explanation maps by name, such as ``"lesion.gradcam"``.
        fusion_maps: files of fusion weights by modality.
        faithfulness: figures by the name of a map.
        unreadable: names of files that are there and cannot be read.
        left_out: what is not told because segments were corrected after it was found.
    """

    record: Mapping[str, Any]
    aligned: AlignedCase
    segmentation: Segmentation
    region: str = "head"
    structures: Sequence[Row] = ()
    lesions: Sequence[Row] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    contributions: Sequence[Row] = ()
    contribution_sentences: Sequence[str] = ()
    contribution_chart: Path | None = None
    uncertainty: Mapping[str, Any] = field(default_factory=dict)
    uncertainty_maps: Mapping[str, Path] = field(default_factory=dict)
    maps: Mapping[str, Path] = field(default_factory=dict)
    fusion_maps: Mapping[str, Path] = field(default_factory=dict)
    faithfulness: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreadable: Sequence[str] = ()
    left_out: Sequence[str] = ()

    @cached_property
    def parts(self) -> tuple[LesionPart, ...]:
        """The connected lesions."""
        values = [entry.value for entry in self.segmentation.classes if entry.group == "lesion"]
        return lesion_parts(self.segmentation.labels, values)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The reference first."""
        others = (name for name in self.aligned.volumes if name != self.aligned.reference)
        return (self.aligned.reference, *others)

    def lesion_name(self, part: LesionPart) -> str:
        """Such as ``"Lesion 2"``."""
        names = {entry.value: entry.name for entry in self.segmentation.classes}
        return f"{names[part.value]} {part.number}"

    def target(self, key: str) -> SegmentClass | LesionPart | None:
        """The class or the lesion that a map is about, from the first part of its name."""
        classes = {entry.name.lower().replace(" ", "_"): entry for entry in self.segmentation.classes}
        if key in classes:
            return classes[key]
        name, _, number = key.rpartition("_")
        if name not in classes or not number.isdigit():
            return None
        value = classes[name].value
        return next((part for part in self.parts if (part.value, part.number) == (value, int(number))), None)


def read_findings(
    folder: Path, record: Mapping[str, Any], aligned: AlignedCase, segmentation: Segmentation, region: str = "head"
) -> Findings:
    """Gather what a run folder holds; maps are only looked for, they are read when they are drawn.

    Args:
        folder: the run folder.
        record: content of its run.json.
        aligned: its volumes.
        segmentation: its label map.
        region: of the model.
    """
    files = _Files(folder)
    explanation, uncertainty = folder / "explanation", folder / "uncertainty"
    maps = {path.name[: -len(".nrrd")]: path for path in sorted(explanation.glob("*.nrrd"))}
    fusion = {name.partition(".")[2]: path for name, path in maps.items() if name.startswith("fusion.")}
    uncertain = {name: uncertainty / f"{name}.nrrd" for name in ("entropy", "disagreement")}
    sentences = files.json(explanation / "contributions.json").get("sentences", ())
    chart = explanation / "contributions.png"
    weights = (_weight(row) for row in files.rows(explanation / "modalities.csv"))
    return Findings(
        record=record,
        aligned=aligned,
        segmentation=segmentation,
        region=region,
        structures=files.rows(folder / "measurements.csv"),
        lesions=files.rows(folder / "lesions.csv"),
        weights=dict(weight for weight in weights if weight),
        contributions=files.rows(explanation / "contributions.csv"),
        contribution_sentences=tuple(map(str, sentences)),
        contribution_chart=chart if chart.is_file() else None,
        uncertainty=files.json(uncertainty / "summary.json"),
        uncertainty_maps={name: path for name, path in uncertain.items() if path.is_file()},
        maps={name: path for name, path in maps.items() if not name.startswith("fusion.")},
        fusion_maps=fusion,
        faithfulness=files.json(explanation / "faithfulness.json"),
        unreadable=tuple(files.unreadable),
    )


def number(text: Any) -> float | None:
    """A number in a table or file, or None where there is none."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if value == value and abs(value) != float("inf") else None


def _weight(row: Row) -> tuple[str, float] | None:
    weight = number(row.get("mean fusion weight"))
    return None if weight is None else (row.get("modality", ""), weight)


class _Files:
    """Reads optional files: one that is not there is empty, one that cannot be read is remembered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unreadable: list[str] = []

    def rows(self, path: Path) -> tuple[Row, ...]:
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return tuple({key or "": cell or "" for key, cell in row.items()} for row in csv.DictReader(file))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, csv.Error, AttributeError):
            return self._not(path, ())

    def json(self, path: Path) -> Mapping[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return self._not(path, {})
        return content if isinstance(content, dict) else self._not(path, {})

    def _not(self, path: Path, empty: Any) -> Any:
        self.unreadable.append(path.relative_to(self.folder).as_posix())
        return empty
