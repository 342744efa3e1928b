"""Pictures that show during training what a model has learned."""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from segwright.datasets import SegmentationDataset
from segwright.engine.inference import decide
from segwright.images import Palette, default_palette, overlay, overlay_maps, write_image

log = logging.getLogger("segwright")

LONGEST_SIDE = 512  # pixels, of a picture in a preview; trackers keep every one
GAP = 4  # white pixels between truth and prediction


class Previews:
    """The same few validation pictures at every evaluation, truth left, prediction right; an observer for ``evaluate``.

    Args:
        dataset: the one that is evaluated; it gives names and colours.
        folder: gets the pictures as ``00012_name.png``, the number being the place in the data set.
        numbers: pictures of the data set that this process evaluates, all by default.
        count: pictures to show, spread evenly over ``numbers``; fewer if there are fewer.

    Attributes:
        images: by their tag, ``Previews/00012_name``, the previews so far, each (H, W, 3) uint8 RGB.
    """

    def __init__(
        self, dataset: SegmentationDataset, folder: Path, numbers: Sequence[int] | None = None, count: int = 4
    ) -> None:
        numbers = range(len(dataset)) if numbers is None else numbers
        count = min(count, len(numbers))
        self._chosen = {numbers[place * len(numbers) // count] for place in range(count)}
        self._dataset, self._folder = dataset, folder
        self._palette = dataset.palette or default_palette(dataset.num_classes)
        self.images: dict[str, np.ndarray] = {}

    def __call__(self, number: int, logits: Tensor, label: Tensor) -> None:
        """Show a picture if it is one of the chosen: (1, C, H, W) logits, (1, H, W) label, or (1, C, H, W) of them."""
        if number not in self._chosen:
            return
        dataset = self._dataset
        pred = decide(logits, multilabel=dataset.multilabel)
        preview = side_by_side(dataset.load_image(number), _array(label), _array(pred), self._palette)
        name = f"{number:05d}_{dataset.pairs[number].image.stem}"
        self.images[f"Previews/{name}"] = preview
        try:
            write_image(self._folder / f"{name}.png", preview)
        except OSError as error:
            self._chosen.clear()
            log.warning("previews cannot be written to %s (%s); training goes on", self._folder, error.strerror)


def _array(label: Tensor) -> np.ndarray:
    return label[0].cpu().numpy()


def side_by_side(image: np.ndarray, truth: np.ndarray, pred: np.ndarray, palette: Palette) -> np.ndarray:
    """A picture twice, under the true labels and under the predicted ones.

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: (H, W) ids, or (C, H, W) maps where a pixel may have several labels: 1 where a pixel has it.
        pred: of the same shape.
        palette: colour of each class.

    Returns:
        (h, 2 w + 4, 3) uint8 RGB, h x w being the picture's size but for sides longer than 512.
    """
    height, width = image.shape[:2]
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    rows, columns = _nearest(height, factor), _nearest(width, factor)
    image = cv2.resize(image, (len(columns), len(rows)), interpolation=cv2.INTER_AREA)
    left, right = (_coloured(image, label[..., rows[:, None], columns], palette) for label in (truth, pred))
    return np.hstack([left, np.full((len(image), GAP, 3), 255, np.uint8), right])


def _nearest(length: int, factor: float) -> np.ndarray:
    """For each pixel of a side made smaller, the one of the original that lies at its middle."""
    count = max(1, round(length * factor))
    return ((np.arange(count) + 0.5) * length / count).astype(int)


def _coloured(image: np.ndarray, label: np.ndarray, palette: Palette) -> np.ndarray:
    if label.ndim == 2:
        return overlay(image, label, palette)
    return overlay_maps(image, (label == 1).transpose(1, 2, 0), palette)
