"""What a NIfTI, NRRD or MetaImage file promises in its header, checked before ITK reads it.

ITK fills a truncated NIfTI file with zeros, and quietly repairs a spacing that is zero, negative or missing;
both give an image that looks sound and is not.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import InputError
from .check import REEXPORT, check_spacing

COPY_AGAIN = "Copy or download the file again."


def truncated(path: Path, found: int | None = None, expected: int | None = None) -> InputError:
    """The error for a file that ends too early; sizes in bytes, uncompressed."""
    detail = f" ({found} of {expected} bytes)" if found is not None and expected is not None else ""
    return InputError(f"{path} is truncated or damaged{detail}.", COPY_AGAIN)


def check_nifti(path: Path, *, length: bool = True) -> None:
    """Check the spacing of a ``.nii`` or ``.nii.gz`` file, and with ``length`` that it ends where it should.

    Raises:
        InputError: not NIfTI, zero, negative or absurd spacing, or fewer bytes than the header promises.
    """
    packed = path.name.lower().endswith(".gz")
    try:
        with cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb") as stream:
            spacing, expected = _nifti_header(stream.read(348), path)
            check_spacing(spacing, path)
            if not length:
                return
            found = _length(stream) if packed else path.stat().st_size
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise truncated(path) from None
    if found < expected:
        raise truncated(path, found, expected)


def _nifti_header(header: bytes, path: Path) -> tuple[tuple[float, ...], int]:
    """Spacing along the first three axes and length of the file in bytes, from the 348 or 540 byte header."""
    if len(header) < 348:
        raise truncated(path, len(header), 348)
    for order in "<>":
        version = {348: 1, 540: 2}.get(struct.unpack_from(order + "i", header)[0])
        if version == 1:
            dim, pixdim = struct.unpack_from(order + "8h", header, 40), struct.unpack_from(order + "8f", header, 76)
            bits, offset = (
                struct.unpack_from(order + "h", header, 72)[0],
                struct.unpack_from(order + "f", header, 108)[0],
            )
            break
        if version == 2:
            dim, pixdim = struct.unpack_from(order + "8q", header, 16), struct.unpack_from(order + "8d", header, 104)
            bits, offset = (
                struct.unpack_from(order + "h", header, 14)[0],
                struct.unpack_from(order + "q", header, 168)[0],
            )
            break
    else:
        raise InputError(f"{path} is not a NIfTI file, although its name says so.", REEXPORT)
    axes = dim[0]
    if not 1 <= axes <= 7 or min(dim[1 : axes + 1]) < 1:
        raise InputError(f"{path} has the impossible dimensions {dim}.", REEXPORT)
    voxels = math.prod(dim[1 : axes + 1])
    return tuple(pixdim[1 : min(axes, 3) + 1]), int(offset) + voxels * bits // 8


def _length(stream: BinaryIO) -> int:
    """Position of the end of a stream that cannot seek cheaply."""
    while stream.read(1 << 22):
        pass
    return stream.tell()


def check_text_header(path: Path) -> None:
    """Check the spacing that a NRRD or MetaImage header gives for three axes.

    Raises:
        InputError: the spacing is missing, zero, negative or not a number.
    """
    fields = _text_fields(path)
    key = next((key for key in ("spacings", "elementspacing", "elementsize") if key in fields), "")
    if key:
        try:
            spacing = tuple(float(word) for word in fields[key].split())
        except ValueError:
            spacing = (math.nan,)
        check_spacing(tuple(step for n, step in enumerate(spacing) if n < 3), path)
    elif "space directions" not in fields or fields["space directions"].split().count("none") > _extra_axes(fields):
        raise InputError(f"{path} does not say the spacing of its voxels.", REEXPORT)


def _extra_axes(fields: dict[str, str]) -> int:
    return max(0, int(fields.get("dimension", "3")) - 3)


def _text_fields(path: Path) -> dict[str, str]:
    """Fields of the text header, keys in lower case."""
    fields = {}
    with path.open("rb") as stream:
        for _ in range(500):
            line = stream.readline(65536).decode("latin-1").strip()
            if not line:
                break
            key, separator, value = line.partition("=") if "=" in line and ":" not in line else line.partition(":")
            if separator and not line.startswith("#"):
                fields[key.strip().lower()] = value.strip(" =")
            if key.strip().lower() == "elementdatafile":
                break
    return fields
