"""A segmentation that a person has corrected, with its volumes, as a case from which to train."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, OutputError
from ..images.volume import Volume
from .scene.nodes import MODALITY_ATTRIBUTE, Node, volume_from_node
from .scene.segments import labels_from_segmentation
from .scene.transforms import transform_file
from .text import _


def save(segmentation: Node, volumes: Sequence[Node], folder: Path) -> Path:
    """Write a case: the volumes as they are, their transforms, the labels on the reference's grid, ``case.json``.

    Args:
        segmentation: its segments must have label values of their own.
        volumes: the reference first; each knows its modality by the attribute ``MultimodalSeg.Modality``.
        folder: where the case gets a folder of its own.

    Returns:
        The folder of the case.

    Raises:
        InputError: a volume of unknown or repeated modality, or a segmentation that cannot be exported.
        OutputError: the folder cannot be written.
    """
    from ..images.io import write_volume  # SimpleITK, which the panel need not wait for

    names = [volume.GetAttribute(MODALITY_ATTRIBUTE) or "" for volume in volumes]
    if not all(names) or len(set(names)) != len(names):
        raise InputError(
            _("The modalities of the volumes are not known or not different."),
            _("Choose the volumes in the section Inputs and correct their modalities."),
        )
    reference = volumes[0]
    labels = Volume(labels_from_segmentation(segmentation, reference), volume_from_node(reference).grid)
    place = _new_folder(folder, reference.GetName())
    partial = place.with_name(f".{place.name}.partial")
    try:
        partial.mkdir(parents=True)
        for name, volume in zip(names, volumes, strict=True):
            write_volume(volume_from_node(volume), partial / f"{name}.nrrd")
        write_volume(labels, partial / "truth.nrrd")
        transforms = {}
        for name, volume in zip(names[1:], volumes[1:], strict=True):
            if volume.GetParentTransformNode() is not None:
                transforms[name] = f"{name}_to_{names[0]}.h5"
                transform_file(volume.GetParentTransformNode(), partial / transforms[name], reference)
        entry = {
            "reference": names[0],
            "volumes": {name: f"{name}.nrrd" for name in names},
            "truth": "truth.nrrd",
            "true_transforms": transforms,
        }
        (partial / "case.json").write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, place)
    except OSError as error:
        raise OutputError(
            _("The case cannot be written to {folder}: {reason}.").format(
                folder=folder, reason=error.strerror or error
            ),
            _("Choose another folder, or free some space."),
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _new_folder(folder: Path, name: str) -> Path:
    """A folder that does not exist yet. Names of volumes may hold anything, so only plain letters are kept."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name) or "case"
    first = folder / f"{plain}_{time.strftime('%Y%m%d_%H%M%S')}"
    place, number = first, 1
    while place.exists():
        number += 1
        place = first.with_name(f"{first.name}_{number}")
    return place
