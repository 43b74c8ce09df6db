"""Compose panels, a caption and a legend into one picture file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MissingPackageError, OutputError
from ...notice import RESEARCH_USE
from ...writing import whole_file
from .slices import Panel

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

Color = tuple[int, int, int]

GAP = 8  # pixels
HEADER, LINE = 44, 20  # pixels
BACKGROUND, TEXT, DIM, LETTER = (16, 16, 16), (235, 235, 235), (165, 165, 165), (255, 200, 60)
SCALE_STEPS_MM = (1, 2, 5, 10, 20, 50, 100)


def write_sheet(
    path: str | Path,
    rows: Sequence[Sequence[Panel]],
    title: str,
    legend: Sequence[tuple[str, Color]],
    *,
    synthetic: bool,
) -> None:
    """Write a picture of panels in rows, with orientation letters, scale bars, caption and color legend.

    Args:
        path: a file name ending in ``.png``; the file appears whole or not at all.
        rows: panels from top to bottom and left to right, all of one size.
        title: name of the case, shown in the caption.
        legend: name and color (0 to 255) of each structure shown.
        synthetic: say in the caption that the images are synthetic.

    Raises:
        OutputError: the file cannot be written.
        MissingPackageError: pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        hint = "Install it with: pip install 'multimodalseg[headless]'."
        raise MissingPackageError("Pictures need the package pillow.", hint) from error

    height, width = rows[0][0].image.shape[:2]
    columns = max(len(row) for row in rows)
    total = columns * (width + GAP) + GAP
    legend_columns = max(1, total // 270)
    legend_lines = -(-len(legend) // legend_columns)
    legend_top = HEADER + len(rows) * (height + LINE + GAP)
    sheet = Image.new("RGB", (total, legend_top + legend_lines * LINE + GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _caption(draw, total, title, synthetic)
    for row_number, row in enumerate(rows):
        for column, panel in enumerate(row):
            left, top = GAP + column * (width + GAP), HEADER + row_number * (height + LINE + GAP)
            draw.text((left, top), panel.title, DIM, font=_font(14))
            sheet.paste(Image.fromarray(panel.image), (left, top + LINE))
            _marks(draw, panel, left, top + LINE)
    for number, (name, color) in enumerate(legend):
        column, line = divmod(number, legend_lines)
        x, y = GAP + column * (total // legend_columns), legend_top + line * LINE
        draw.rectangle((x, y + 4, x + 14, y + 14), fill=color)
        draw.text((x + 22, y), name, TEXT, font=_font(14))
    _save(sheet, Path(path))


def _caption(draw: ImageDraw, width: int, title: str, synthetic: bool) -> None:
    label = f"{title} (synthetic images)" if synthetic else title
    draw.text((GAP, 12), label, TEXT, font=_font(20))
    draw.text((width - GAP, 16), RESEARCH_USE, DIM, font=_font(14), anchor="ra")


def _marks(draw: ImageDraw, panel: Panel, left: int, top: int) -> None:
    """Orientation letters at the four edges and a scale bar in the lower left corner."""
    height, width = panel.image.shape[:2]
    places = (
        (left + 6, top + height // 2, "lm"),
        (left + width - 6, top + height // 2, "rm"),
        (left + width // 2, top + 6, "mt"),
        (left + width // 2, top + height - 6, "mb"),
    )
    for letter, (x, y, anchor) in zip(panel.letters, places, strict=True):
        draw.text((x, y), letter, LETTER, font=_font(18), anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0))
    if panel.mm_per_pixel:
        longest = width / 3 * panel.mm_per_pixel
        length = max((step for step in SCALE_STEPS_MM if step <= longest), default=SCALE_STEPS_MM[0])
        x, y = left + 10, top + height - 12
        draw.line((x, y, x + length / panel.mm_per_pixel, y), TEXT, width=3)
        draw.text((x, y - 5), f"{length} mm", TEXT, font=_font(13), anchor="lb", stroke_width=2, stroke_fill=(0, 0, 0))


def _font(size: int) -> FreeTypeFont | ImageFont:
    """The font inside pillow: the same letters on every machine, no font package needed."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _save(sheet: object, target: Path) -> None:
    try:
        with whole_file(target) as partial:
            sheet.save(partial, format="PNG")  # type: ignore[attr-defined]
    except OSError as error:
        raise OutputError(
            f"The picture cannot be written to {target} ({error.strerror or error}).",
            "Check that the folder exists, that you may write there, and that the disk is not full.",
        ) from error
