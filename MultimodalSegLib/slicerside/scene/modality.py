"""Which modality a volume is, from what is known about it before anyone is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...images.intensities import is_hounsfield

DICOM_MODALITIES = {"CT": "CT", "MR": "MR", "PT": "PET"}
"""Values of DICOM's Modality (0008,0060) and their names here."""

WORDS = {
    "CT": r"(cb|nc|ne|ce|ld|hr)?ct\d*|cta|(head|brain)ct|hounsfield|hu",
    "PET": r"pet\d*|pt|suv\w*|fdg|petmr",
    "FLAIR": r"\w*flair\w*",
    "T1C": r"t1w?(c|ce|gd|gad|km|post|ka)\w*",
    "T2": r"t2(w|tse|fse|space|star)?\d*",
    "T1": r"t1(w|n|se|tfe|ir|map)?\d*|mp2?rage\w*|spgr|bravo|fspgr|ir",
    "MR": r"mri?\d*|dwi|dti|adc|swi|tof|mra|irm|pd|pdw|rm",
}
"""Whole words of a name by modality; the first modality that fits a word counts."""

CONTRAST = {"c", "ce", "gd", "gad", "gado", "gadolinium", "post", "postcontrast", "contrast", "enhanced", "km"}
NO_CONTRAST = {"no", "non", "pre", "without", "wo", "native", "precontrast", "noncontrast", "nativ"}


def guess(name: str, dicom_modality: str = "", sample: np.ndarray | None = None) -> str:
    """The most likely modality: DICOM decides first, then the name, then the values.

    Args:
        name: name of the volume, such as ``"MRBrainT1"`` or ``"3: t1 mprage + gd"``.
        dicom_modality: DICOM's Modality, if known; tells MRI but not which contrast.
        sample: some intensities of any shape, if at hand.

    Returns:
        One of :data:`~MultimodalSegLib.images.case.MODALITIES`; ``"MR"`` if nothing speaks for anything else.
    """
    words = _words(name)
    named = [modality for modality in (_modality_of(word) for word in words) if modality]
    known = DICOM_MODALITIES.get(dicom_modality.strip().upper(), "")
    if known in ("CT", "PET"):
        return known
    if not known and named:
        looks_like_ct = sample is not None and is_hounsfield(sample)
        others = [modality for modality in named if modality != "CT"]
        if "CT" in named and (not others or looks_like_ct or (sample is None and named[0] == "CT")):
            return "CT"
        if named[0] == "PET":
            return "PET"
        named = others
    elif not known:
        return "CT" if sample is not None and is_hounsfield(sample) else "MR"
    return _contrast(words, [modality for modality in named if modality not in ("CT", "PET")])


def distinct(guesses: Sequence[str]) -> list[str]:
    """The same guesses with a repeated MRI contrast turned into plain ``"MR"`` where that is free.

    A case holds one volume of each modality; what is still repeated has to be settled by the user.
    """
    result: list[str] = []
    for modality in guesses:
        free = "MR" not in guesses and "MR" not in result
        repeated = modality in result and modality not in ("CT", "PET")
        result.append("MR" if repeated and free else modality)
    return result


def guess_from_node(node: Any) -> str:
    """The modality of a volume node: what was chosen for it before, else a guess from all that the scene knows."""
    from ..packages import slicer
    from .nodes import MODALITY_ATTRIBUTE, hierarchy_item

    chosen = node.GetAttribute(MODALITY_ATTRIBUTE)
    if chosen:
        return str(chosen)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    dicom = hierarchy.GetItemAttribute(hierarchy_item(node), "DICOM.Modality")
    sample = None
    if node.GetImageData() is not None:
        array = slicer.util.arrayFromVolume(node)
        steps = tuple(slice(None, None, max(1, size // 32)) for size in array.shape[:3])
        sample = array[steps]
    return guess(node.GetName() or "", dicom or "", sample)


def _words(name: str) -> list[str]:
    """Words of a name in lower case; ``"MRBrainT1Gd"`` has four."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    apart = re.sub(r"([A-Z0-9])([A-Z][a-z])", r"\1 \2", apart)
    words = [word for text in (apart, name) for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
    return list(dict.fromkeys(words))


def _modality_of(word: str) -> str:
    return next((modality for modality, pattern in WORDS.items() if re.fullmatch(pattern, word)), "")


def _contrast(words: Sequence[str], named: Sequence[str]) -> str:
    """The MRI contrast among the modalities that a name mentions."""
    specific = [modality for modality in named if modality != "MR"]
    if "FLAIR" in specific:
        return "FLAIR"  # "t2 flair" is a FLAIR
    found = specific[0] if specific else "MR"
    if found == "T1" and CONTRAST & set(words) and not NO_CONTRAST & set(words):
        return "T1C"
    return found
