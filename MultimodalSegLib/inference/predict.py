"""From an aligned case to a segmentation."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..images.case import Case
from ..images.volume import Volume
from ..models.bundle import Bundle, load_bundle
from ..networks.device import choose_device, processor_threads
from ..progress import Event, Progress, silent
from ..registration.aligned import AlignedCase
from .cleanup import remove_specks
from .fitting import fitting_answer
from .presence import lesion_presence
from .scaling import Scaling
from .segmentation import Segmentation
from .upsample import Labelling, to_reference
from .view import network_view

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
    engine: str = "auto",
    cleanup: bool = True,
    progress: Progress = silent,
) -> Segmentation:
    """Segment what a model knows with everything that the case has.

    The network sees the part of the case that the model asks for (the box around the head, or more), in one shot, or in
    overlapping windows if the model asks for them or memory is short; the result is on the reference volume's own grid.

    Args:
        aligned: volumes on one grid; a :class:`Case` whose volumes share a space is accepted as it is.
        model: a bundle, its name or its path.
        probabilities: shown names of classes, such as ``"Left hippocampus"`` or ``"lesion"``, of which a map is wanted.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        memory_limit_mb: what the network may take beyond what is in use now; all free memory if None.
        threads: processor threads; the engine's own choice if None.
        engine: ``"torch"``, ``"openvino"`` (on a processor), or ``"auto"``, the faster one that can here.
        cleanup: give isolated specks the label of their surroundings.
        progress: told how far the work is, stage ``"segment"`` of 100; may raise to stop.

    Raises:
        InputError: a modality that the model does not know, values that are not finite, an unknown class, device or
            engine.
        ModelError: the model is missing, damaged or unsafe.
        OutOfMemoryError: not even small windows fit.
    """
    bundle = load_bundle(model, device) if isinstance(model, str) else model
    bundle.check_segments()
    aligned = _aligned(aligned)
    for name in aligned.volumes:
        bundle.family_index(name)
    labelling = labelling_of(bundle, probabilities)
    where = choose_device(device)
    tell = _Teller(progress)

    tell("box", 0.0, f"Finding the {bundle.region}")
    view = network_view(bundle, aligned.volumes, lambda done, message: tell("images", done, message))
    with processor_threads(threads):
        start = time.perf_counter()
        answer, more = fitting_answer(
            bundle,
            view.images,
            view.family,
            where,
            memory_limit_mb,
            lambda done, text: tell("network", done, text),
            engine=engine,
            threads=threads,
        )
        view = view.without_images()
        seconds = time.perf_counter() - start
        tell("labels", 0.0, "Labelling the reference volume")
        presence = lesion_presence(answer.logits, labelling, view.grid.voxel_ml) if bundle.metadata["lesion"] else None
        labels, maps = to_reference(
            answer.logits, view.grid, view.box, aligned.grid, labelling, lambda done: tell("labels", done, "")
        )
    volume = Volume(labels, aligned.grid)
    if cleanup:
        tell("cleanup", 0.0, "Removing specks")
        volume = remove_specks(volume, bundle.classes())
    tell("cleanup", 1.0, "Segmented")
    return Segmentation(
        labels=volume,
        classes=bundle.classes(),
        lesion_presence=presence,
        probabilities={name: Volume(array, aligned.grid) for name, array in maps.items()},
        modality_weights={name: float(w) for name, w in zip(view.names, answer.modality_weights, strict=True)},
        model={"name": bundle.name, "version": bundle.version, "checksum": bundle.checksum},
        device=str(where),
        windows=answer.windows,
        seconds=seconds,
        warnings=(*view.warnings, *more),
        engine=answer.engine,
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


def labelling_of(bundle: Bundle, probabilities: Sequence[str] = ()) -> Labelling:
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
        lesion_peak=float(bundle.metadata.get("lesion_peak", 0.0)),
        lesion_hosts=frozenset(
            channel
            for channel, entry in enumerate(bundle.metadata["network_classes"])
            if entry.get("group") in bundle.metadata.get("lesion_groups", ())
        ),
        wanted=tuple((name, *known[name.lower()]) for name in probabilities),
        side=bool(bundle.metadata["network"].get("side", True)),
        scaling=Scaling.of(bundle.metadata),
    )
