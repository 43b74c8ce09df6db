"""Enhance one scan: a file in, a tagged volume with synthetic detail and a record out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..checksum import checksum
from ..enhancement.enhance import Enhanced, restore
from ..errors import InputError, OutputError
from ..images.case import MODALITIES, unknown_modality
from ..images.intensities import is_hounsfield
from ..images.io import read_volume, write_volume
from ..images.itk_file import READABLE
from ..images.synthetic import MARK
from ..images.volume import Volume
from ..machine import versions
from ..models.bundle import Bundle
from ..models.purpose import DETAIL, PURPOSES
from ..notice import RESEARCH_USE
from ..progress import Progress, silent
from .own_model import own_model

MODEL = PURPOSES[DETAIL].command
RECORD = "enhance.json"
STEPS = 4
"""Of the flow, where several samples are drawn; a single one is the first step's, the likely mean."""


@dataclass(frozen=True)
class EnhanceOptions:
    """What :func:`enhance` shall do.

    Args:
        modality: of the scan, such as ``"CT"`` or ``"T1"``; CT or MRI by its values if empty.
        samples: volumes that are drawn; from two on there is an uncertainty.
        steps: of the flow; 1 gives the same mean each time, more give samples; 1 for one sample and :data:`STEPS` for
            several if None.
        denoise: clean a CT with thin slices; experimental.
        profile: of a thick slice, ``"gaussian"`` or ``"box"``; box for CT and gaussian for MRI if empty.
        seed: of the first sample.
        model: name or folder of a model.
        device: where to compute.

    Raises:
        InputError: an unknown modality, a number below 1, several samples of one step, or an unknown profile.
    """

    modality: str = ""
    samples: int = 1
    steps: int | None = None
    denoise: bool = False
    profile: str = ""
    seed: int = 0
    model: str = MODEL
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.modality and self.modality.upper() not in MODALITIES:
            raise unknown_modality(self.modality)
        for name, count in (("samples", self.samples), ("steps", self.flow_steps)):
            if count < 1:
                raise InputError(f"There are {count} {name}.", "Give at least one.")
        if self.samples > 1 and self.flow_steps == 1:
            raise InputError("One step gives the same volume in every sample.", "Give two steps or more.")
        if self.profile not in ("", "gaussian", "box"):
            raise InputError(f"The profile {self.profile!r} is not known.", "Give gaussian or box.")

    @property
    def flow_steps(self) -> int:
        """Steps of the flow."""
        return self.steps if self.steps is not None else 1 if self.samples == 1 else STEPS


def enhance(
    volume: Volume | Path | str,
    out: Path | str | None = None,
    options: EnhanceOptions | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Enhanced:
    """Add likely detail to a scan with thick slices, or clean a noisy CT.

    What is added was not measured. Look at it, do not measure it.

    Args:
        volume: a scan, or its file.
        out: folder to write into; nothing is written if None.
        options: how.
        overwrite: replace what an earlier run wrote into ``out``.
        progress: takes the events of the stage ``"enhance"``.

    Raises:
        InputError: the file cannot be read, its voxels are large in several directions, or its slices too far apart.
        ModelError: no model for this is installed, or it does not know the modality.
        OutputError: ``out`` holds a result already, or cannot be written.
        Cancelled: ``progress`` asked to stop; nothing was written.

    Example:
        >>> result = enhance("t2.nrrd", "t2-enhanced", EnhanceOptions(samples=4))     # doctest: +SKIP
        >>> result.consistency.within_noise                                           # doctest: +SKIP
        True
    """
    options, source = options or EnhanceOptions(), None if isinstance(volume, Volume) else Path(volume)
    if out is not None and (Path(out) / RECORD).exists() and not overwrite:
        raise OutputError(f"{out} holds a result already.", "Choose another folder, or add --overwrite.")
    bundle = own_model(DETAIL, options.model, options.device)
    scan = volume if isinstance(volume, Volume) else read_volume(volume)
    family = _family(bundle, options.modality, scan)
    result = restore(
        scan,
        family,
        _sampler(bundle, options),
        denoise=options.denoise,
        samples=options.samples,
        profile=options.profile,
        seed=options.seed,
        progress=progress,
    )
    if result.changed:
        result = _marked(result, f"{bundle.name} {bundle.version}; not measured, not for measurement. {RESEARCH_USE}")
    if out is not None:
        _write(result, Path(out), source or scan.source, family, bundle, options)
    return result


def result_files(out: Path, source: Path | None) -> dict[str, Path]:
    """Where a result and its uncertainty are written."""
    name = source.name if source is not None else "volume"
    ending = next((end for end in READABLE if name.lower().endswith(end)), "")
    stem = name[: len(name) - len(ending)]
    return {"volume": out / f"{stem} {MARK}.nrrd", "uncertainty": out / f"{stem} uncertainty {MARK}.nrrd"}


def _family(bundle: Bundle, modality: str, scan: Volume) -> str:
    """Kind of modality as the model knows it."""
    name = modality.upper() or ("CT" if is_hounsfield(scan.array) else "MR")
    return str(bundle.metadata["modality_families"][bundle.family_index(name)])


def _sampler(bundle: Bundle, options: EnhanceOptions) -> Any:
    from ..enhancement.flow import Sampler
    from ..networks.device import choose_device, choose_precision

    device = choose_device(options.device)
    return Sampler(bundle.network().to(device), device, choose_precision(device), options.flow_steps)  # type: ignore[arg-type]


def _marked(result: Enhanced, about: str) -> Enhanced:
    """With volumes that say what they are wherever they go."""
    uncertainty = replace(result.uncertainty, synthetic_detail=about) if result.uncertainty is not None else None
    return replace(result, volume=replace(result.volume, synthetic_detail=about), uncertainty=uncertainty)


def _write(
    result: Enhanced, out: Path, source: Path | None, family: str, bundle: Bundle, options: EnhanceOptions
) -> None:
    """Volume, uncertainty and record; the record last."""
    files = result_files(out, source)
    volumes = {"volume": result.volume, "uncertainty": result.uncertainty} if result.changed else {}
    written = {}
    for name, volume in volumes.items():
        files[name].unlink(missing_ok=True)
        if volume is not None:
            write_volume(volume, files[name])
            written[name] = files[name].name
    record: Mapping[str, Any] = {
        "synthetic_detail": result.changed,
        "files": written,
        "input": {"path": str(source.absolute()), "sha256": checksum(source)} if source else {},
        "family": family,
        "parameters": asdict(options),
        "model": {"name": bundle.name, "version": bundle.version, "checksum": bundle.checksum},
        "spacing_between_slices_mm": result.spacing,
        "slice_axis": result.axis,
        "profile": result.profile,
        "samples": result.samples,
        "steps": result.steps,
        "consistency": {**asdict(result.consistency), "within_noise": result.consistency.within_noise}
        if result.consistency
        else None,
        "seconds": round(result.seconds, 3),
        "versions": versions(),
        "warnings": [RESEARCH_USE, *result.warnings],
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = out / f".{RECORD}.part"
        partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(partial, out / RECORD)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}.", "Choose a writable folder.") from error
