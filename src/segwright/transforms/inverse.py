"""Bring a prediction back to the pixels of the image that was read, through the geometric transforms in reverse."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from segwright.transforms.flip import AXES
from segwright.transforms.padding import on_canvas
from segwright.transforms.resize import resize
from segwright.types import Cropped, Flipped, Geometry, Padded, Resized, Size, Warped


def restore_label_map(pred: np.ndarray, geometry: Sequence[Geometry], fill: int = 255) -> np.ndarray:
    """Class ids at the image's original size.

    Args:
        pred: (H, W) ids of any integer type, for the image as the transforms left it.
        geometry: ``Sample.geometry`` of that image.
        fill: id of pixels that a crop had cut away.

    Returns:
        (H, W) of the original image, same dtype, a new array wherever a step moved pixels. Resizing takes the pixel
        whose area holds the new pixel's centre.
    """
    return _restore(pred, geometry, nearest, fill)


def restore_scores(scores: np.ndarray, geometry: Sequence[Geometry]) -> np.ndarray:
    """Logits or probabilities at the image's original size.

    Args:
        scores: (H, W, C) float32, for the image as the transforms left it.
        geometry: ``Sample.geometry`` of that image.

    Returns:
        (H, W, C) float32 at the original size: bilinear between pixel centres, 0 where a crop had cut pixels away.
    """
    return _restore(scores, geometry, lambda array, size: resize(array, size, cv2.INTER_LINEAR), 0)


def nearest(array: np.ndarray, size: Size) -> np.ndarray:
    """Resample (H, W) of any dtype by picking pixels, with pixel centres at half integers.

    OpenCV's nearest, which the transforms use for labels because the models were trained so, rounds towards the top
    left instead, which would shift a prediction by up to half a pixel on its way back.
    """
    rows, columns = (
        ((2 * np.arange(after) + 1) * before) // (2 * after)
        for before, after in zip(array.shape[:2], size, strict=True)
    )
    return array.take(columns, axis=1).take(rows, axis=0)


def _restore(
    array: np.ndarray, geometry: Sequence[Geometry], resample: Callable[[np.ndarray, Size], np.ndarray], fill: int
) -> np.ndarray:
    for step in reversed(geometry):
        match step:
            case Resized(before):
                array = resample(array, before)
            case Padded(before, top, left):
                array = array[top : top + before.height, left : left + before.width]
            case Cropped(before, top, left):
                array = on_canvas(array, before, fill, top, left)
            case Flipped(direction):
                array = np.flip(array, AXES[direction])
            case Warped():
                raise step.refuse()
    return np.ascontiguousarray(array)
