"""An image with its letters and its scale as a PNG file."""

from __future__ import annotations

import io

import numpy as np

from ..document.content import Picture
from .looks import heat_colors
from .planes import Plane

SCALES = (1, 2, 5, 10, 20, 50, 100)
"""Lengths of a scale bar, mm."""


def draw(image: np.ndarray, plane: Plane, alt: str, label: str = "") -> Picture:
    """A slice as picture, with patient directions at its edges and a scale bar.

    Args:
        image: uint8 (rows, columns, 3).
        plane: where it lies.
        alt: what it shows, without the directions, which are added.
        label: a few words below it.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = Image.fromarray(image)
    pen, size = ImageDraw.Draw(shown), image.shape[0]
    font = ImageFont.load_default(max(12, size // 15))
    middle, edge = size / 2, 4
    left, right, top, bottom = plane.letters
    places = {"lm": (left, (edge, middle)), "rm": (right, (size - edge, middle))}
    places |= {"mt": (top, (middle, edge)), "mb": (bottom, (middle, size - edge))}
    for anchor, (letter, place) in places.items():
        pen.text(place, letter, fill="white", font=font, anchor=anchor, stroke_width=2, stroke_fill="black")
    length = max((mm for mm in SCALES if mm < plane.side / 3), default=SCALES[0])
    end = edge + length / plane.mm_per_pixel
    pen.line((edge, size - edge - 2, end, size - edge - 2), fill="black", width=5)
    pen.line((edge + 1, size - edge - 2, end - 1, size - edge - 2), fill="white", width=3)
    small = ImageFont.load_default(max(10, size // 20))
    pen.text(
        (edge, size - edge - 7),
        f"{length} mm",
        fill="white",
        font=small,
        anchor="lb",
        stroke_width=2,
        stroke_fill="black",
    )
    if not np.ptp(image, axis=2).any():
        shown = shown.convert("L")  # a third of the bytes
    side = " The patient's left is on the right." if right == "L" else " Anterior is on the left."
    return Picture(png(shown), (size, size), alt + side, label)


def color_bar(alt: str, label: str) -> Picture:
    """The legend of a heat map, from 0 to 1."""
    from PIL import Image

    part = np.tile(np.linspace(0, 1, 256), (14, 1))
    return Picture(png(Image.fromarray(np.rint(heat_colors(part)).astype(np.uint8))), (256, 14), alt, label)


def png(image: object) -> bytes:
    """Content of a PNG file of a Pillow image."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=4)  # type: ignore[attr-defined]
    return stream.getvalue()


def stored_picture(content: bytes) -> Picture:
    """A PNG file that carries its text alternative as ``Description``, as the charts of a run do.

    Raises:
        ValueError: it is no such file.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            alt, size = str(image.info.get("Description", "")), image.size
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("this is no PNG file") from error
    if not alt:
        raise ValueError("this picture has no text alternative")
    return Picture(content, size, alt)
