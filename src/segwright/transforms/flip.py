"""Mirror images."""

from typing import Literal

import cv2
import numpy as np

from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_probability
from segwright.transforms.resize import MAX_CHANNELS
from segwright.types import Flipped, Sample

AXES = {"horizontal": 1, "vertical": 0}


def flip_sample(sample: Sample, direction: Literal["horizontal", "vertical"]) -> Sample:
    """Image and label mirrored; ``horizontal`` swaps left and right."""

    def flip(array: np.ndarray) -> np.ndarray:
        if array.ndim == 3 and array.shape[2] > MAX_CHANNELS:
            return np.ascontiguousarray(np.flip(array, AXES[direction]))
        # Fifty times as fast as copying a reversed view; OpenCV drops a channel axis of length 1.
        return cv2.flip(array, AXES[direction]).reshape(array.shape)

    return sample.moved(flip(sample.image), flip, Flipped(direction))


@TRANSFORMS.register
class RandomHorizontalFlip:
    """Swap left and right.

    Args:
        prob: how often, 0..1.

    Raises:
        ConfigError: ``prob`` is not a probability.
    """

    is_random = True

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = parse_probability("RandomHorizontalFlip.prob", prob)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        return flip_sample(sample, "horizontal") if rng.random() < self.prob else sample


@TRANSFORMS.register
class RandomVerticalFlip:
    """Swap top and bottom.

    Args:
        prob: how often, 0..1.

    Raises:
        ConfigError: ``prob`` is not a probability.
    """

    is_random = True

    def __init__(self, prob: float = 0.1) -> None:
        self.prob = parse_probability("RandomVerticalFlip.prob", prob)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        return flip_sample(sample, "vertical") if rng.random() < self.prob else sample
