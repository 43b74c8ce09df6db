"""Draw the module's icon: a head from above, its left half as in CT, its right half as in MRI, one segmentation.

Usage: ``python Tools/draw_icon.py MultimodalSeg/Resources/Icons/MultimodalSeg.png`` (needs pillow).
"""

import sys

from PIL import Image, ImageDraw

SIZE = 128
SCALE = 8  # drawn large and reduced, for smooth edges
TILE, BONE, CT_BRAIN, MR_SKULL, MR_BRAIN = (22, 52, 92), (255, 255, 255), (96, 106, 120), (8, 18, 34), (206, 214, 224)
VENTRICLE, LESION = (54, 196, 190), (255, 112, 40)

Color = tuple[int, int, int]


def ellipse(draw: ImageDraw.ImageDraw, center: tuple[float, float], radii: tuple[float, float], color: Color) -> None:
    """An ellipse, in icon pixels."""
    (x, y), (a, b) = center, radii
    draw.ellipse([round(v * SCALE) for v in (x - a, y - b, x + a, y + b)], fill=color)


def half_head(bone: Color, brain: Color) -> Image.Image:
    """A whole head on the tile, as one modality shows it."""
    image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle([0, 0, SIZE * SCALE - 1, SIZE * SCALE - 1], radius=22 * SCALE, fill=TILE)
    ellipse(draw, (64, 14), (9, 10), bone)  # nose: anterior is up
    ellipse(draw, (64, 66), (48, 56), bone)
    ellipse(draw, (64, 66), (34, 42), brain)
    return image


def icon() -> Image.Image:
    """The icon, RGBA, 128 x 128 pixels."""
    head, right = half_head(BONE, CT_BRAIN), half_head(MR_SKULL, MR_BRAIN)
    middle = SIZE * SCALE // 2
    head.paste(right.crop((middle, 0, SIZE * SCALE, SIZE * SCALE)), (middle, 0))
    draw = ImageDraw.Draw(head)
    ellipse(draw, (55, 62), (7, 19), VENTRICLE)
    ellipse(draw, (73, 62), (7, 19), VENTRICLE)
    ellipse(draw, (84, 86), (11, 11), LESION)
    return head.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    icon().save(sys.argv[1], optimize=True)
