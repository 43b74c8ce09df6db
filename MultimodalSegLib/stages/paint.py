"""Paint lesions into the volumes of a patient: files in, tagged volumes, a mask and a record out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..checksum import checksum
from ..errors import InputError, OutputError
from ..images.io import read_volume, write_volume
from ..images.synthetic import MARK
from ..images.volume import Volume
from ..machine import versions
from ..models.bundle import Bundle
from ..models.purpose import PAINT, PURPOSES
from ..notice import RESEARCH_USE
from ..painting.asked import AskedLesion
from ..painting.load import painter_of
from ..painting.paint import Painted
from ..painting.paint import paint as paint_lesions
from ..progress import Progress, silent
from ..writing import write_text
from .own_model import own_model

MODEL = PURPOSES[PAINT].command
RECORD = "paint.json"
STEPS = 8
"""Of the flow, if nothing else is asked for."""


@dataclass(frozen=True)
class PaintOptions:
    """How :func:`paint` works.

    Args:
        steps: of the flow.
        seed: of shapes and looks.
        model: name or folder of a model that paints.
        device: where to compute.

    Raises:
        InputError: no step.
    """

    steps: int = STEPS
    seed: int = 0
    model: str = MODEL
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"There are {self.steps} steps.", "Give at least one.")


def paint(
    volumes: Mapping[str, Volume | Path | str],
    lesions: Sequence[AskedLesion],
    out: Path | str | None = None,
    options: PaintOptions | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Painted:
    """Paint lesions that nobody has into the aligned volumes of a patient, as material for training and tests.

    Args:
        volumes: by modality, such as ``"CT"`` or ``"T1"``, in one space; files or volumes.
        lesions: what to paint.
        out: folder to write into; nothing is written if None.
        options: how.
        overwrite: replace what an earlier run wrote into ``out``.
        progress: takes the events of the stage ``"paint"``.

    Raises:
        InputError: a file cannot be read, an unknown kind, or a place outside of a volume, in air or in bone.
        ModelError: no model that paints is installed, or it is another one.
        OutputError: ``out`` holds a result already, or cannot be written.
        Cancelled: ``progress`` asked to stop; nothing was written.

    Example:
        >>> asked = [AskedLesion("infarct", (30, -12, 25), 18)]
        >>> result = paint({"CT": "ct.nrrd", "MR": "mr.nrrd"}, asked, "painted")    # doctest: +SKIP
        >>> result.ml                                                               # doctest: +SKIP
        (2.9,)
    """
    options = options or PaintOptions()
    if out is not None and (Path(out) / RECORD).exists() and not overwrite:
        raise OutputError(f"{out} holds a result already.", "Choose another folder, or add --overwrite.")
    bundle = own_model(PAINT, options.model, options.device)
    known = list(bundle.metadata["modality_families"])
    families = {name: str(known[bundle.family_index(name)]) for name in volumes}
    scans = {name: v if isinstance(v, Volume) else read_volume(v) for name, v in volumes.items()}
    painter = painter_of(bundle, options.steps, options.device)
    result = paint_lesions(scans, lesions, painter, families, seed=options.seed, progress=progress)
    if out is not None:
        _write(result, scans, lesions, Path(out), bundle, options)
    return result


def painted_files(out: Path, names: Sequence[str]) -> dict[str, Path]:
    """Where volumes are written by modality, and the mask as ``"mask"``."""
    return {name: out / f"{name} {MARK}.nrrd" for name in names} | {"mask": out / f"lesions {MARK}.nrrd"}


def _write(
    result: Painted,
    given: Mapping[str, Volume],
    lesions: Sequence[AskedLesion],
    out: Path,
    bundle: Bundle,
    options: PaintOptions,
) -> None:
    """Volumes, mask and record; the record last."""
    files = painted_files(out, list(result.volumes))
    (out / RECORD).unlink(missing_ok=True)
    about = f"Lesions painted by {bundle.name} {bundle.version}: no patient has them. {RESEARCH_USE}"
    for name, volume in (*result.volumes.items(), ("mask", result.mask)):
        write_volume(replace(volume, synthetic_detail=about), files[name])
    record: Mapping[str, Any] = {
        "synthetic_detail": True,
        "files": {name: file.name for name, file in files.items()},
        "inputs": {
            name: {"path": str(v.source.absolute()), "sha256": checksum(v.source)} if v.source else {}
            for name, v in given.items()
        },
        "lesions": [
            {**asdict(lesion), "value": n + 1, "ml": round(result.ml[n], 4)} for n, lesion in enumerate(lesions)
        ],
        "parameters": asdict(options),
        "model": {"name": bundle.name, "version": bundle.version, "checksum": bundle.checksum},
        "seconds": round(result.seconds, 3),
        "versions": versions(),
        "warnings": [about],
    }
    write_text(out / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
