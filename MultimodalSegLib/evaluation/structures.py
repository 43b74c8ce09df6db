"""Structures of the head as they are compared: whatever numbers a source splits them into, one name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ..synthesis.anatomy import head_classes

ALSO: Mapping[str, frozenset[int]] = {
    "cerebral white matter": frozenset({77, 78, 79, 251, 252, 253, 254, 255}),
    "lateral ventricle": frozenset({31, 63}),
}
"""Numbers of FreeSurfer's aseg that the head label maps do not have: hypointensities and corpus callosum go with the
white matter around them, choroid plexus with its ventricle."""

_PLEXUS: Mapping[str, frozenset[int]] = {
    "left lateral ventricle": frozenset({31}),
    "right lateral ventricle": frozenset({63}),
}

SIXTEEN = (
    "cerebral white matter",
    "cerebral cortex",
    "lateral ventricle",
    "inferior lateral ventricle",
    "third ventricle",
    "fourth ventricle",
    "thalamus",
    "caudate",
    "putamen",
    "pallidum",
    "hippocampus",
    "amygdala",
    "accumbens",
    "cerebellar white matter",
    "cerebellar cortex",
    "brain stem",
)
"""The structures of the brain whose mean Dice sums up a segmentation."""


@cache
def structures() -> Mapping[str, frozenset[int]]:
    """Label values by name of structure, both sides as one; no background, no lesion.

    Example:
        >>> sorted(structures()["hippocampus"])
        [17, 53]
    """
    found = {}
    for entry in head_classes()["classes"][1:]:
        own = {entry[side]["value"] for side in ("left", "right")} if "left" in entry else {entry["value"]}
        found[entry["name"]] = frozenset(own | set(entry["labels"])) | ALSO.get(entry["name"], frozenset())
    return MappingProxyType(found)


@cache
def sides() -> Mapping[str, frozenset[int]]:
    """Label values of each side of the paired structures, such as ``"left hippocampus"``; no others."""
    found = {}
    for entry in head_classes()["classes"][1:]:
        for side in ("left", "right"):
            if side in entry:
                name = f"{side} {entry['name']}"
                own = frozenset({entry[side]["value"], *entry[side]["labels"]})
                found[name] = own | _PLEXUS.get(name, frozenset())
    return MappingProxyType(found)
