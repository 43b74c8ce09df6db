"""A shipped case, and how near a run of it comes to its truth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..resources import resource
from ..run_folder import RunFolder


@dataclass(frozen=True)
class DemoCase:
    """A folder with volumes and ``case.json``; of a synthetic case the truth is known.

    Args:
        folder: where the files are.
        reference: name of the reference volume.
        volumes: files by modality name.
        synthetic: the images were computed, not scanned.
        truth: label map on the reference grid with the values of the model's classes, or None.
        true_transforms: by moving modality the transform file from reference points to its points (LPS mm).
        notice: where the images come from and under which license.
    """

    folder: Path
    reference: str
    volumes: Mapping[str, Path]
    synthetic: bool = False
    truth: Path | None = None
    true_transforms: Mapping[str, Path] = field(default_factory=dict)
    notice: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    @classmethod
    def load(cls, name_or_folder: str) -> DemoCase:
        """Read ``case.json`` of a shipped case or of a folder.

        Raises:
            InputError: no such case, or its description cannot be used.
        """
        cases = resource("demo")
        folder = Path(name_or_folder) if (Path(name_or_folder) / "case.json").is_file() else cases / name_or_folder
        if not (folder / "case.json").is_file():
            known = ", ".join(sorted(path.parent.name for path in cases.glob("*/case.json"))) or "none"
            raise InputError(f"There is no demo case {name_or_folder!r}.", f"Cases: {known}.")
        try:
            entry = json.loads((folder / "case.json").read_text(encoding="utf-8"))
            return cls(
                folder=folder.resolve(),
                reference=entry["reference"],
                volumes={name: folder / file for name, file in entry["volumes"].items()},
                synthetic=bool(entry.get("synthetic", False)),
                truth=folder / entry["truth"] if entry.get("truth") else None,
                true_transforms={name: folder / file for name, file in entry.get("true_transforms", {}).items()},
                notice=str(entry.get("notice", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{folder / 'case.json'} cannot be understood ({error}).", "Get the case again."
            ) from error


def figures(case: DemoCase, run: RunFolder) -> dict[str, Any]:
    """What a run found, and how near it comes to the truth where there is one.

    Returns:
        JSON-ready: ``case``, ``synthetic``, ``seconds``, ``peak_memory_mb``, ``registration`` (quality by modality),
        ``registration_error_mm`` (mean and max by modality), ``dice_groups`` and ``structures`` (a list of name,
        value, Dice, and volumes in ml; None where there is no truth).
    """
    from ..images.io import read_labels
    from ..models.bundle import load_bundle

    labels = read_labels(run.segmentation)
    truth = read_labels(case.truth) if case.truth else None
    found: dict[str, Any] = {
        "case": case.name,
        "synthetic": case.synthetic,
        "notice": case.notice,
        "model": run.record["model"]["name"],
        "seconds": run.record["seconds"],
        "peak_memory_mb": run.record["peak_memory_mb"],
        "registration": run.record["registration"],
        "registration_error_mm": {},
        "lesion_presence": run.record["segmentation"]["lesion_presence"],
        "dice_groups": {},
    }
    if truth is not None:
        from ..evaluation.dice import GROUPS, WHOLE_BRAIN, group_dice

        scores = group_dice(labels, truth, {"whole brain": WHOLE_BRAIN, **GROUPS})
        found["dice_groups"] = {name: _number(score) for name, score in scores.items()}
        found["registration_error_mm"] = _registration_errors(case, run, truth)
    found["structures"] = _structures(load_bundle(run.record["model"]["path"]).classes(), labels, truth)
    return found


def _registration_errors(case: DemoCase, run: RunFolder, truth: Any) -> dict[str, dict[str, float]]:
    from ..evaluation.registration_error import registration_error
    from ..registration.transform_file import read_transform

    errors = {}
    for name, file in case.true_transforms.items():
        mean, largest = registration_error(read_transform(run.transforms[name]), read_transform(file), truth)
        errors[name] = {"mean": round(mean, 3), "max": round(largest, 3)}
    return errors


def _structures(classes: Any, labels: Any, truth: Any) -> list[dict[str, Any]]:
    """One entry for each class that is in the result or in the truth."""
    import numpy as np

    from ..evaluation.dice import dice

    values = [entry.value for entry in classes]
    size = max(values) + 1
    volumes = np.bincount(labels.array.ravel(), minlength=size) * labels.grid.voxel_ml
    if truth is None:
        true_volumes, scores = np.zeros(size), dict.fromkeys(values, math.nan)
    else:
        true_volumes = np.bincount(truth.array.ravel(), minlength=size) * truth.grid.voxel_ml
        scores = dice(labels, truth, values)
    return [
        {
            "name": entry.name,
            "value": entry.value,
            "dice": _number(scores[entry.value]),
            "volume_ml": round(float(volumes[entry.value]), 3),
            "true_volume_ml": None if truth is None else round(float(true_volumes[entry.value]), 3),
        }
        for entry in classes
        if volumes[entry.value] or true_volumes[entry.value]
    ]


def _number(score: float) -> float | None:
    return None if math.isnan(score) else round(score, 4)
