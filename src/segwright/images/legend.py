"""A legend beside or below a picture, on a strip of its own so that it covers nothing."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segwright.images.palette import Colour
from segwright.types import Size

PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
PALE_INK: Colour = (118, 118, 118)
SMALLEST_TEXT = 13  # pixels, below which the letters are hard to read
TEXT_SHARE = 1 / 36  # of the picture's size, so that text looks equally large on screens of all sizes
LINE_HEIGHT, SWATCH_GAP, NOTE_GAP, MARGIN = 1.7, 0.55, 0.9, 1.1  # in heights of the text


class LegendEntry(NamedTuple):
    """A line of a legend: a square of the colour, the name, and what stands pale behind it, like ``12.3 %``."""

    name: str
    colour: Colour
    note: str = ""


def with_legend(
    image: np.ndarray, entries: Sequence[LegendEntry], *, below: bool | None = None, text: int | None = None
) -> np.ndarray:
    """A picture with a white strip at its right or below it that says what the colours mean.

    Args:
        image: (H, W, 3) uint8, RGB; stands unchanged in the top left corner of the result.
        entries: in the order of their lines, down the columns.
        below: where the strip goes; default: where it takes less room. Without entries there is none.
        text: height of the letters in pixels; default: what suits the picture.

    Returns:
        (H', W', 3) uint8, RGB: of the same size for all pictures of one size with equal entries.
    """
    if not entries:
        return image
    size = Size.of(image)
    text = text or text_height(size)
    font = text_font(text)
    right_rows = max(1, int((size.height - 2 * MARGIN * text) / (LINE_HEIGHT * text)))
    layouts = [_Layout(entries, text, right_rows)]
    columns = max(1, int((size.width - MARGIN * text) / (layouts[0].widest + MARGIN * text)))
    layouts.append(_Layout(entries, text, -(-len(entries) // columns)))
    canvases = [
        Size(max(size.height, layouts[0].size.height), size.width + layouts[0].size.width),
        Size(size.height + layouts[1].size.height, max(size.width, layouts[1].size.width)),
    ]
    if below is None:
        below = canvases[1].height * canvases[1].width < canvases[0].height * canvases[0].width
    layout, canvas = layouts[below], canvases[below]
    strip = Image.new("RGB", canvas[::-1], PAPER)
    layout.draw(ImageDraw.Draw(strip), font, *((0, size.height) if below else (size.width, 0)))
    result = np.array(strip)
    result[: size.height, : size.width] = image
    return result


def text_height(size: Size) -> int:
    """Height of text, in pixels, that suits a picture of this size."""
    return max(SMALLEST_TEXT, round((size.height * size.width) ** 0.5 * TEXT_SHARE))


@lru_cache(maxsize=8)
def text_font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font at a height in pixels; it needs no file on the machine."""
    return ImageFont.load_default(height)


class _Layout:
    """Where the lines of a legend go: in columns of ``num_rows`` lines, each as wide as its longest line."""

    def __init__(self, entries: Sequence[LegendEntry], text: int, num_rows: int) -> None:
        font = text_font(text)
        self.text = text
        self.columns = [entries[start : start + num_rows] for start in range(0, len(entries), num_rows)]
        self.widths = [max(self._width(entry, font) for entry in column) for column in self.columns]
        self.widest = max(self.widths)
        self.size = Size(
            height=round(len(self.columns[0]) * LINE_HEIGHT * text + 2 * MARGIN * text),
            width=round(sum(self.widths) + (len(self.columns) + 1) * MARGIN * text),
        )

    def _width(self, entry: LegendEntry, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> float:
        note = font.getlength(entry.note) + NOTE_GAP * self.text if entry.note else 0
        return (1 + SWATCH_GAP) * self.text + font.getlength(entry.name) + note

    def draw(
        self, canvas: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, left: float, top: float
    ) -> None:
        """Draw all lines, the strip's corner being at (``left``, ``top``)."""
        text, x = self.text, left + MARGIN * self.text
        for column, width in zip(self.columns, self.widths, strict=True):
            for row, entry in enumerate(column):
                middle = top + (MARGIN + (row + 0.5) * LINE_HEIGHT) * text
                square = (round(x), round(middle - text / 2), round(x + text), round(middle + text / 2))
                canvas.rounded_rectangle(square, text / 5, fill=entry.colour, outline=PALE_INK)
                canvas.text((x + (1 + SWATCH_GAP) * text, middle), entry.name, INK, font, anchor="lm")
                canvas.text((x + width, middle), entry.note, PALE_INK, font, anchor="rm")
            x += width + MARGIN * text
