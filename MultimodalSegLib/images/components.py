"""Connected parts of a mask, numbered by size."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def numbered_parts(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the parts of a mask that share a face, an edge or a corner, the largest first.

    Args:
        mask: bool, (k, j, i).

    Returns:
        int32 (k, j, i), 0 outside and n in part n; and the number of parts. Parts of one size keep the order in which
        a scan along k, j, i meets them.

    Example:
        >>> numbered_parts(np.array([[[1, 0, 1, 1]]], bool))[0].tolist()
        [[[2, 0, 1, 1]]]
    """
    parts, count = ndimage.label(mask, np.ones((3, 3, 3), bool))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    numbers = np.zeros(count + 1, np.int32)
    numbers[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
    return numbers[parts], int(count)
