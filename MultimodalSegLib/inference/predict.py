"""From an aligned case to a segmentation."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, OutOfMemoryError
from ..images.case import Case
from ..images.volume import Volume
from ..models.bundle import Bundle, load_bundle
from ..networks.device import choose_device, choose_precision, processor_threads
from ..progress import Event, Progress, silent
from ..registration.aligned import AlignedCase
from .cleanup import remove_specks
from .head_box import MAX_HEIGHT_MM, head_box
from .memory import accumulator_bytes_per_voxel, bytes_per_voxel, free_bytes, is_out_of_memory
from .prepare import network_images
from .segmentation import Segmentation
from .upsample import Labelling, to_reference
from .windows import Engine, Prediction, Report

WINDOWS = (96, 64, 32)
"""Edges of a window, largest first, in working voxels; those below two strides of the network are not used."""

PARTS = {"box": (0, 5), "images": (5, 15), "network": (15, 65), "labels": (65, 92), "cleanup": (92, 100)}
"""Share of the work, in percent, of each part: begin and end."""


def segment(
    aligned: AlignedCase | Case,
    model: Bundle | str = "default",
    *,
    probabilities: Sequence[str] = (),
    device: str = "auto",
    memory_limit_mb: float | None = None,
    threads: int | None = None,
    cleanup: bool = True,
    progress: Progress = silent,
) -> Segmentation:
    """Segment the head with everything that the case has.

    The network sees the box around the head in one shot, or overlapping windows of it if memory is short; the result
    is on the reference volume's own grid.

    Args:
        aligned: volumes on one grid; a :class:`Case` whose volumes share a space is accepted as it is.
        model: a bundle, its name or its path.
        probabilities: shown names of classes, such as ``"Left hippocampus"`` or ``"lesion"``, of which a map is wanted.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        memory_limit_mb: what the network may take beyond what is in use now; all free memory if None.
        threads: processor threads; torch's own choice if None.
        cleanup: give isolated specks the label of their surroundings.
        progress: told how far the work is, stage ``"segment"`` of 100; may raise to stop.

    Raises:
        InputError: a modality that the model does not know, values that are not finite, an unknown class or device.
        ModelError: the model is missing, damaged or unsafe.
        OutOfMemoryError: not even small windows fit.
    """
    bundle = load_bundle(model) if isinstance(model, str) else model
    aligned = _aligned(aligned)
    for name in aligned.volumes:
        bundle.family_index(name)
    labelling = _labelling(bundle, probabilities)
    where = choose_device(device)
    tell = _Teller(progress)

    tell("box", 0.0, "Finding the head")
    box = head_box(aligned.volumes, max_height_mm=float(bundle.metadata.get("max_box_mm", MAX_HEIGHT_MM)))
    working = box.grid(bundle.spacing, bundle.stride)
    images, names, warnings = network_images(
        aligned.volumes, working, lambda done, message: tell("images", done, message)
    )
    with processor_threads(threads):
        start = time.perf_counter()
        family = torch.tensor([bundle.family_index(name) for name in names])
        answer, more = _predict(bundle, images, family, where, memory_limit_mb, tell)
        del images
        seconds = time.perf_counter() - start
        tell("labels", 0.0, "Labelling the reference volume")
        labels, maps = to_reference(
            answer.logits, working, box, aligned.grid, labelling, lambda done: tell("labels", done, "")
        )
    volume = Volume(labels, aligned.grid)
    if cleanup:
        tell("cleanup", 0.0, "Removing specks")
        volume = remove_specks(volume, bundle.classes())
    tell("cleanup", 1.0, "Segmented")
    return Segmentation(
        labels=volume,
        classes=bundle.classes(),
        lesion_presence=float(torch.tensor(answer.presence).sigmoid()) if bundle.metadata["lesion"] else None,
        probabilities={name: Volume(array, aligned.grid) for name, array in maps.items()},
        modality_weights={name: float(w) for name, w in zip(names, answer.modality_weights, strict=True)},
        model={"name": bundle.name, "version": bundle.version, "checksum": bundle.checksum},
        device=str(where),
        windows=answer.windows,
        seconds=seconds,
        warnings=(*warnings, *more),
    )


def _aligned(case: AlignedCase | Case) -> AlignedCase:
    """A case as it is when its volumes share a space already."""
    if isinstance(case, AlignedCase):
        return case
    from ..registration.align import align

    return align(case, kind="none")


@dataclass(frozen=True)
class _Teller:
    """Turns the finished fraction of a part into an event of the whole stage."""

    progress: Progress

    def __call__(self, part: str, fraction: float, message: str) -> None:
        begin, end = PARTS[part]
        self.progress(Event("segment", begin + fraction * (end - begin), 100.0, message))


def _labelling(bundle: Bundle, probabilities: Sequence[str]) -> Labelling:
    """Meaning of the channels, and which maps are wanted."""
    lesion = bundle.metadata["lesion"]
    known: dict[str, tuple[int, str]] = {}
    for channel, entry in enumerate(bundle.metadata["network_classes"][1:], start=1):
        sides = ("left", "right") if "left" in entry else ("",)
        known |= {f"{side} {entry['name']}".strip().lower(): (channel, side) for side in sides}
    if lesion:
        known |= {"lesion": (-1, ""), str(lesion["name"]).lower(): (-1, "")}
    for name in probabilities:
        if name.lower() not in known:
            near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4) or list(known)[:5]
            raise InputError(f"The model has no class {name!r}.", f"Ask for one such as {', '.join(near)}.")
    return Labelling(
        values=bundle.label_values(),
        lesion_value=int(lesion["value"]) if lesion else None,
        lesion_threshold=float(bundle.metadata.get("lesion_threshold", 0.5)),
        lesion_hosts=frozenset(
            channel
            for channel, entry in enumerate(bundle.metadata["network_classes"])
            if entry["group"] in bundle.metadata.get("lesion_groups", ())
        ),
        wanted=tuple((name, *known[name.lower()]) for name in probabilities),
    )


def _predict(
    bundle: Bundle, images: Tensor, family: Tensor, device: torch.device, limit_mb: float | None, tell: _Teller
) -> tuple[Prediction, list[str]]:
    """The network's answer: in one shot if it fits, else in windows; and warnings."""
    engine = Engine(bundle.network().to(device), device, choose_precision(device))
    network: Mapping[str, object] = bundle.metadata["network"]
    need = bytes_per_voxel(network, len(images), engine.precision)
    voxels = images[0].numel()
    free = free_bytes(device, limit_mb)
    warnings: list[str] = []
    if need * voxels <= free:
        tell("network", 0.0, "Segmenting in one shot")
        try:
            return engine.one_shot(images, family), warnings
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            warnings.append("Memory ran out in one shot; the head was segmented in overlapping windows.")
        free = free_bytes(device, limit_mb)

    total = accumulator_bytes_per_voxel(network) * voxels
    window = _window(images.shape[1:], bundle.stride, (free - total) / need)
    if window is None:
        raise OutOfMemoryError(
            f"{free / 2**20:.0f} MB of memory do not hold the {voxels / 1e6:.1f} million voxels of this head.",
            "Close other programs, raise the memory limit, or crop the volume to the head.",
        )
    report: Report = lambda done: tell("network", done, "Segmenting in windows")  # noqa: E731
    report(0.0)
    try:
        return engine.windowed(images, family, window, bundle.stride, report), warnings
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            "Memory ran out even in windows.", "Close other programs, or crop the volume to the head."
        ) from error


def _window(shape: Sequence[int], stride: int, voxels: float) -> list[int] | None:
    """The largest window of :data:`WINDOWS` that has at most ``voxels`` after being cut to the volume, or None."""
    for edge in WINDOWS:
        size = [min(n, edge // stride * stride) for n in shape]
        if edge >= 2 * stride and np.prod(size) <= voxels:
            return size
    return None
