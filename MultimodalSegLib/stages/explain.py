"""Why a run found what it found: maps, and how far they can be believed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..images.io import write_volume
from ..images.synthetic import check_choice, synthetic_inputs
from ..images.volume import Volume
from ..inference.components import components
from ..inference.segmentation import SegmentClass
from ..models.bundle import Bundle
from ..progress import Event, Progress, silent
from ..restore import FinishedRun
from ..run_folder import RunFolder
from .explain_options import ExplainOptions

STAGE = "explain"
MOST_LESIONS = 10
"""Single lesions that get a map of their own without being named."""

MOST_RATED = 5
"""Single lesions, the largest first, whose maps get figures; each takes some twenty passes through the network, and
what is explained first some fifty."""

FIGURES = "faithfulness.json"
Progressed = Callable[[float], None]
"""Takes the finished fraction, 0 to 1; may raise to stop."""


@dataclass(frozen=True)
class Region:
    """What is explained, on the reference grid.

    Args:
        title: as shown, such as ``"Lesion 2"``.
        stem: of its files, such as ``"lesion_2"``.
        mask: (k, j, i) bool.
    """

    title: str
    stem: str
    mask: np.ndarray


def run_explain(run: FinishedRun, options: ExplainOptions, progress: Progress = silent) -> list[str]:
    """Explain one class of a finished run and write the maps into its folder.

    Each map is ``explanation/<class>.<method>.nrrd``, float32 on the reference grid: 1 where most speaks for the class,
    0 where nothing does or something speaks against it. A method that tells modalities apart adds
    ``<class>.<method>-<MODALITY>.nrrd``, all in units of the largest among them. ``explanation/faithfulness.json`` says
    how far the first map, and those of the largest single lesions, can be believed. Maps of other classes and methods
    stay.

    Args:
        run: the finished run.
        options: what is asked for.
        progress: told how far the work is, stage ``"explain"`` of 100; may raise to stop.

    Returns:
        Names of the maps, such as ``"lesion.gradcam"``, the ones with figures first.

    Raises:
        InputError: an unknown class, method, layer or lesion, a class that was not found in this run, or synthetic
            detail that nobody chose to explain.
        OutOfMemoryError: not even small windows fit.
    """
    from ..explain.methods import CHEAP, METHODS, attribute, remembered  # import torch
    from ..explain.subject import subject_of
    from ..explain.targets import Target, channel_of, on_working_grid
    from ..inference.view import network_view
    from ..networks.device import processor_threads

    if options.method not in METHODS:
        raise InputError(f"There is no method {options.method!r}.", f"Choose one of {', '.join(METHODS)}.")
    check_choice(synthetic_inputs(run.folder.record), options.synthetic_detail)
    entry = chosen_class(run, options.name)
    regions = chosen_regions(run, entry, options.lesion, each=options.method in CHEAP)
    tell = partial(_tell, progress)
    tell(0, "preparing the volumes")
    with run.folder.stage(STAGE, keep=True), processor_threads(options.threads):
        view = network_view(run.bundle, run.aligned.volumes)
        subject = subject_of(run.bundle, view, options.device, options.memory_limit_mb, remembered(options.method))
        channel, rivals = channel_of(run.bundle, entry.value)
        targets = [
            Target(r.title, channel, rivals, on_working_grid(r.mask, run.aligned.grid, view.grid)) for r in regions
        ]
        share = 40 if options.faithfulness else 90
        found = attribute(
            options.method, subject, targets, options.layer, lambda done: tell(5 + share * done, "asking the network")
        )
        if options.method.startswith("gradcam") and len(regions) > 1:
            run.folder.warn(
                "Grad-CAM marks all that looks like a lesion, so the maps of single lesions are much alike; "
                "--method hirescam tells them apart."
            )
        figures, names = _figures(run.folder), []
        for region, attribution in zip(regions, found, strict=True):
            name = f"{region.stem}.{options.method}"
            normalized = attribution.normalized()
            if not bool(normalized.whole.any()):
                run.folder.warn(f"{options.method} finds nothing that speaks for {region.title}; its map is empty.")
            _write_map(run, name, view.on(run.aligned.grid, normalized.whole))
            if normalized.by_modality is not None:
                for modality, values in zip(view.names, normalized.by_modality, strict=True):
                    _write_map(run, f"{name}-{modality}", view.on(run.aligned.grid, values))
            figures.pop(name, None)  # of an earlier map
            run.folder.record.setdefault("explanation", {})[name] = {
                "class": entry.name,
                "structure": region.title,
                "method": options.method,
                "layer": options.layer,
                "modalities": list(view.names),
                "windows": len(subject.tiles),
            }
            names.append(name)
        if options.faithfulness:
            checked = _rated(options, subject, targets, found, lambda done: tell(45 + 55 * done, "checking the maps"))
            for name, rated in zip(names, checked, strict=False):
                figures[name] = rated
                if rated["ignores_weights"]:
                    run.folder.warn(f"The map {name} hardly changes when the network forgets everything: ignore it.")
        run.folder.write(
            run.folder.path / "explanation" / FIGURES,
            lambda path: path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8"),
        )
    tell(100, "explained")
    return names


def _rated(
    options: ExplainOptions, subject: Any, targets: list[Any], found: list[Any], report: Progressed
) -> Iterator[dict[str, Any]]:
    """Figures of the first maps, of the very first beside those of baselines."""
    from ..explain.blurring import blurred
    from ..explain.map_figures import map_figures

    baseline = blurred(subject.images, subject.spacing)
    count = min(len(targets), 1 + MOST_RATED * options.thorough)
    shares = [0.0, *((3 + n) / (2 + count) for n in range(count))]  # baselines take twice as long as a map
    for n, (target, attribution) in enumerate(zip(targets[:count], found, strict=False)):
        low, high = shares[n], shares[n + 1]
        yield map_figures(
            options.method,
            options.layer,
            subject,
            target,
            attribution,
            baseline,
            baselines=options.thorough and n == 0,
            report=partial(_part, report, low, high - low),
        )


def _part(report: Progressed, start: float, share: float, done: float) -> None:
    report(start + share * done)


def chosen_class(run: FinishedRun, name: str) -> SegmentClass:
    """The class of a shown name, of the model of a run; see :func:`class_of`."""
    return class_of(run.bundle, name)


def class_of(bundle: Bundle, name: str) -> SegmentClass:
    """The class of a shown name.

    Raises:
        InputError: the model has no such class.
    """
    known = {entry.name.lower(): entry for entry in bundle.classes()}
    lesions = [entry for entry in bundle.classes() if entry.group == "lesion"]
    known |= {"lesion": lesions[0]} if lesions else {}
    if name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4) or list(known)[:5]
        raise InputError(f"The model has no class {name!r}.", f"Ask for one such as {', '.join(near)}.")
    return known[name.lower()]


def chosen_regions(run: FinishedRun, entry: SegmentClass, lesion: int = 0, *, each: bool = True) -> list[Region]:
    """Where the class was found: all of it, then each single lesion, or the one lesion that is asked for.

    Raises:
        InputError: the class was not found, or there is no lesion of this number.
    """
    labels = run.segmentation.labels.array
    stem, mask = entry.name.lower().replace(" ", "_"), labels == entry.value
    if not mask.any():
        present = [known.name for known in run.bundle.classes() if (labels == known.value).any()]
        hint = f"Ask for one that was, such as {', '.join(present[-5:])}." if present else "The segmentation is empty."
        raise InputError(f"{entry.name} was not found in this run.", hint)
    if entry.group != "lesion":
        if lesion:
            raise InputError(f"{entry.name} is no lesion that could be counted.", "Leave --lesion out.")
        return [Region(entry.name, stem, mask)]

    parts = components(mask)
    if lesion > len(parts):
        raise InputError(f"There is no lesion {lesion}; this run has {len(parts)}.", "Lesion 1 is the largest one.")
    if lesion:
        return [Region(f"{entry.name} {lesion}", f"{stem}_{lesion}", parts[lesion - 1].on(mask.shape))]
    if each and len(parts) > MOST_LESIONS:
        run.folder.warn(
            f"Of {len(parts)} lesions only the {MOST_LESIONS} largest are explained one by one; "
            "--lesion N explains another."
        )
    single = parts[:MOST_LESIONS] if each and len(parts) > 1 else ()
    return [
        Region(entry.name, stem, mask),
        *(Region(f"{entry.name} {part.number}", f"{stem}_{part.number}", part.on(mask.shape)) for part in single),
    ]


def _write_map(run: FinishedRun, name: str, map_: Volume) -> None:
    """Write a map, rounded to 1/1000: more digits mean nothing and take ten times the space and time."""
    rounded = map_.with_array((np.rint(map_.array.clip(0, 1) * 1000) / 1000).astype(np.float32))
    run.folder.write(run.folder.path / "explanation" / f"{name}.nrrd", partial(write_volume, rounded))


def _figures(folder: RunFolder) -> dict[str, Any]:
    """Figures that are there already; a file that cannot be read counts as none."""
    try:
        found = json.loads((folder.path / "explanation" / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tell(progress: Progress, percent: float, message: str) -> None:
    progress(Event(STAGE, percent, 100.0, message))


def map_file(folder: RunFolder, name: str) -> Path:
    """File of a map by its name."""
    return folder.path / "explanation" / f"{name}.nrrd"
