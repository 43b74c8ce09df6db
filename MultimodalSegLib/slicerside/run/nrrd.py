"""NRRD files as the child process reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...images.grid import Grid

NRRD_TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}


def write_nrrd(array: np.ndarray, grid: Grid, path: Path, header: Mapping[str, str] | None = None) -> None:
    """Write voxels as they are: uncompressed, slice by slice, so that Python's other threads go on meanwhile."""
    if array.dtype in (np.int64, np.uint64):  # MRML has them, ITK's readers differ about them
        array = array.astype(np.float64)
    vectors = grid.affine[:3, :3].T
    fields = {
        "type": NRRD_TYPES[array.dtype.name],
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, grid.size)),
        "space directions": " ".join(_vector(row) for row in vectors),
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": _vector(np.asarray(grid.origin)),
    }
    keys = "".join(f"{key}:={text}\n" for key, text in (header or {}).items())
    little = array.dtype.newbyteorder("<")
    with path.open("wb") as file:
        file.write(
            ("NRRD0004\n" + "".join(f"{key}: {text}\n" for key, text in fields.items()) + keys + "\n").encode("ascii")
        )
        for plane in array:
            file.write(np.ascontiguousarray(plane, little).data.cast("B"))


def _vector(numbers: np.ndarray) -> str:
    return "(" + ",".join(repr(float(number)) for number in numbers) + ")"
