"""What a model may say of its input: spacing, region, preprocessing and patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..images.case import MODALITIES
from ..images.grid import Triple
from ..images.normalization import Normalization

REGIONS = ("head", "body", "volume")
"""The box around the head, the box of what is not background, or the whole field of view."""

SECOND_FORMAT = ("region", "preprocessing", "patch")
"""Keys of which a program of format version 1 knows nothing; three spacings and fewer heads are the others."""


def spacing_of(metadata: Mapping[str, Any]) -> Triple:
    """Working spacing along x, y, z, millimetres.

    Raises:
        ValueError, TypeError: neither one nor three numbers.
    """
    given = metadata["working_spacing"]
    x, y, z = (float(mm) for mm in (given if isinstance(given, list | tuple) else [given] * 3))
    return x, y, z


def needed_format(metadata: Mapping[str, Any]) -> int:
    """The lowest format version whose programs understand a model's metadata.

    What a program of version 1 would overlook, and so give a wrong result, needs version 2, which it refuses.
    """
    network = metadata["network"]
    more = any(key in metadata for key in SECOND_FORMAT) or isinstance(metadata["working_spacing"], list | tuple)
    return 2 if more or not (network.get("side", True) and network.get("lesion", True)) else 1


def input_problem(metadata: Mapping[str, Any]) -> str:
    """What is wrong with the entries about the input, or an empty string."""
    try:
        spacing = spacing_of(metadata)
    except (TypeError, ValueError):
        spacing = (0.0, 0.0, 0.0)
    if not all(0 < mm < float("inf") for mm in spacing):
        return f"working_spacing is {metadata['working_spacing']}, not one or three positive numbers of millimetres"
    if metadata.get("region", "head") not in REGIONS:
        return f"region is {metadata['region']!r}, none of {', '.join(REGIONS)}"
    patch = metadata.get("patch")
    if patch is not None and not _is_patch(patch):
        return f"patch is {patch}, not three whole numbers of voxels (k, j, i)"
    families = list(metadata["modality_families"])
    strange = [name for name in families if name not in MODALITIES]
    if strange:
        return f"{strange[0]!r} of modality_families is none of {', '.join(MODALITIES)}"
    preprocessing = metadata.get("preprocessing", {})
    for family, entry in preprocessing.items():
        if family not in families:
            return f"preprocessing is for {family!r}, which is none of modality_families"
        try:
            Normalization.from_dict(entry)
        except ValueError as error:
            return f"preprocessing of {family}: {error}"
    return ""


def _is_patch(patch: Any) -> bool:
    whole = isinstance(patch, Sequence) and all(isinstance(n, int) and not isinstance(n, bool) for n in patch)
    return whole and len(patch) == 3 and min(patch) > 0
