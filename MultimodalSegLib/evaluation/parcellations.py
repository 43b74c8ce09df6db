"""Labels of other programs and atlases in FreeSurfer's numbers, so that a segmentation can be compared with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..images.volume import Volume

GIF: Mapping[int, int] = {
    **dict.fromkeys((4, 43, 44), 24),  # fluid outside the ventricles; two nearly empty "exterior" labels
    **{5: 14, 47: 14, 12: 15, 16: 72},
    **{24: 58, 31: 26, 32: 54, 33: 18, 35: 16, 36: 16, 37: 50, 38: 11},
    **{39: 47, 40: 8, 41: 46, 42: 7, 72: 8, 73: 8, 74: 8},  # the vermis has no side: FreeSurfer's left, one structure
    **{48: 53, 49: 17, 50: 44, 51: 5, 52: 43, 53: 4},
    **{56: 52, 57: 13, 58: 51, 59: 12, 60: 49, 61: 10, 62: 60, 63: 28, 70: 85},
    **dict.fromkeys((66, 81, 82, 83, 84, 85, 86, 96), 41),  # lining of the ventricle and claustrum lie in white matter
    **dict.fromkeys((67, 89, 90, 91, 92, 93, 94, 97, 87), 2),  # 87 is the corpus callosum
    **{label: 42 if label % 2 else 3 for label in range(101, 209)},  # cortical areas, odd is right
}
"""Geodesic Information Flows, version 3 (Cardoso et al., IEEE Trans Med Imaging 34:1976, 2015).

Basal forebrain (76, 77), vessels (64, 65) and what is not brain (1 to 3) have no structure to compare with."""

AAL: Mapping[int, int] = {
    **{37: 17, 38: 53, 41: 18, 42: 54, 71: 11, 72: 50, 73: 12, 74: 51, 75: 13, 76: 52, 77: 10, 78: 49},
}
"""Deep nuclei, hippocampus and amygdala of the first AAL atlas (Tzourio-Mazoyer et al., NeuroImage 15:273, 2002).

Its gyri hold white matter as well and cannot be compared."""


def relabel(labels: Volume, numbers: Mapping[int, int]) -> Volume:
    """The same map with other numbers; what is not in ``numbers`` becomes 0.

    Args:
        labels: label map of non-negative integers.
        numbers: new value by old one.

    Returns:
        uint16 label map on the same grid.

    Example:
        >>> from MultimodalSegLib.images.grid import Grid
        >>> two = Volume(np.array([[[37, 99]]]), Grid((2, 1, 1)))
        >>> relabel(two, AAL).array.tolist()
        [[[17, 0]]]
    """
    table = np.zeros(max(int(labels.array.max(initial=0)), *numbers) + 1, np.uint16)
    table[list(numbers)] = list(numbers.values())
    return labels.with_array(table[labels.array.astype(np.int64)])
