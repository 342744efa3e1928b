"""True and predicted classes of a picture side by side, and where they differ."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from segwright.images.legend import INK, LINE_HEIGHT, PAPER, LegendEntry, text_font, text_height, with_legend
from segwright.images.palette import Colour, Palette, overlay
from segwright.types import Size

WRONG: Colour = (255, 43, 136)
UNLABELLED: Colour = (24, 24, 28)
SHADE = 0.6  # of the grey picture behind the marks
WIDE = 1.9  # pictures with a larger width / height stand one below the other
LARGER = 1.25  # text than in a single picture, for three of them share a screen
GAP = 0.8  # between panels, in heights of the text


def compare(
    image: np.ndarray, truth: np.ndarray, pred: np.ndarray, palette: Palette, entries: Sequence[LegendEntry]
) -> np.ndarray:
    """Truth, prediction and difference in one picture, with titles above them and a legend below.

    Args:
        image: (H, W, 3) uint8, RGB.
        truth: (H, W) ids; one that is no class, like 255, is not labelled.
        pred: (H, W) ids.
        palette: colour of each class.
        entries: of the legend, to which "wrong" and "not labelled" are added.

    Returns:
        (H', W', 3) uint8, RGB.
    """
    is_labelled = (truth >= 0) & (truth < len(palette))
    is_wrong = is_labelled & (truth != pred)
    share = is_wrong.sum() / max(1, is_labelled.sum())
    marked = np.repeat((cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) * SHADE).astype(np.uint8)[:, :, None], 3, axis=2)
    marked[~is_labelled] = UNLABELLED
    marked[is_wrong] = WRONG
    panels = {
        "Truth": overlay(image, truth, palette),
        "Prediction": overlay(image, pred, palette),
        f"Difference: {100 * share:.1f} % wrong": marked,
    }
    marks = [LegendEntry("wrong", WRONG), LegendEntry("not labelled", UNLABELLED)]
    text = round(LARGER * text_height(Size.of(image)))
    legend = [*entries, *marks[: 1 if is_labelled.all() else 2]]
    return with_legend(_in_a_row(panels, text), legend, below=True, text=text)


def _in_a_row(panels: dict[str, np.ndarray], text: int) -> np.ndarray:
    """Pictures of one size with their titles above them, from left to right, or from top to bottom if they are wide."""
    size = Size.of(next(iter(panels.values())))
    title, gap = round(LINE_HEIGHT * text), round(GAP * text)
    wide = size.width > WIDE * size.height
    down, across = (title + size.height, 0) if wide else (0, size.width + gap)
    last = len(panels) - 1
    canvas = np.full((last * down + title + size.height, last * across + size.width, 3), PAPER, np.uint8)
    for number, panel in enumerate(panels.values()):
        top, left = number * down + title, number * across
        canvas[top : top + size.height, left : left + size.width] = panel
    sheet = Image.fromarray(canvas)
    for number, name in enumerate(panels):
        place = (number * across + text / 3, number * down + title / 2)
        ImageDraw.Draw(sheet).text(place, name, INK, text_font(text), anchor="lm")
    return np.array(sheet)
