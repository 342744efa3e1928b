"""Random loss of sharpness."""

from typing import Literal, get_args

import cv2
import numpy as np

from segwright.errors import ConfigError, suggest
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_probability
from segwright.transforms.pixels import as_bytes
from segwright.types import Sample

Filter = Literal["gaussian", "median", "blur"]


@TRANSFORMS.register
class RandomBlur:
    """Blur with a window of 3, 5, 7 or 9 pixels, drawn for each image.

    Works on 8-bit values; a float image is cut to whole numbers for that and is float again afterwards.

    Args:
        prob: how often, 0..1.
        blur_type: weights of the window: ``gaussian``, ``median`` (no weights, the middle value), ``blur`` (all equal),
            or ``random``, which draws one of the three.

    Raises:
        ConfigError: ``prob`` is not a probability, or ``blur_type`` does not exist.
    """

    is_random = True

    def __init__(
        self, prob: float = 0.1, blur_type: Literal["gaussian", "median", "blur", "random"] = "gaussian"
    ) -> None:
        kinds = (*get_args(Filter), "random")
        if blur_type not in kinds:
            raise ConfigError(f"RandomBlur.blur_type: unknown '{blur_type}'; {suggest(blur_type, kinds)}")
        self.prob = parse_probability("RandomBlur.prob", prob)
        self.blur_type = blur_type

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob:
            return sample
        size = int(rng.integers(3, 10)) | 1  # the next odd number
        blurred = blur(as_bytes(sample.image), self._draw_filter(rng), size)
        return sample.recoloured(blurred.astype(sample.image.dtype, copy=False))

    def _draw_filter(self, rng: np.random.Generator) -> Filter:
        if self.blur_type != "random":
            return self.blur_type
        share = rng.random()
        return "gaussian" if share < 0.3 else "median" if share < 0.6 else "blur"


def blur(image: np.ndarray, kind: Filter, size: int) -> np.ndarray:
    """(H, W, C) uint8 blurred over ``size`` x ``size`` pixels; a Gaussian's width follows from ``size``."""
    match kind:
        case "gaussian":
            blurred = cv2.GaussianBlur(image, (size, size), 0)
        case "median":
            channels = [cv2.medianBlur(channel, size) for channel in cv2.split(image)]  # at most 4 at once
            blurred = np.stack(channels, axis=2)
        case "blur":
            blurred = cv2.blur(image, (size, size))
    return blurred.reshape(image.shape)  # OpenCV drops a channel axis of length 1
