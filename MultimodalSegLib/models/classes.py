"""A structure that a model can find."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentClass:
    """One structure as a Slicer user sees it.

    Args:
        name: shown name, such as ``"Left hippocampus"``.
        value: label value in the label map (FreeSurfer's number where it has one).
        color: red, green, blue, each 0 to 255.
        terminology: Slicer terminology entry string (category, type and region with SNOMED CT codes).
        group: ``"brain"``, ``"csf"``, ``"bone"``, ``"soft tissue"`` or ``"lesion"``, which are cleaned up and drawn in
            their own ways; any other word, or none, for what needs no special care.
    """

    name: str
    value: int
    color: tuple[int, int, int]
    terminology: str
    group: str
