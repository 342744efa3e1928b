"""A window of random size and shape, stretched to the whole image."""

import math

import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.crop import crop_sample
from segwright.transforms.resize import INTERPOLATIONS, resize_sample
from segwright.types import Sample, Size

ATTEMPTS = 10  # most windows are too wide or too high where aspect_ratio is small


@TRANSFORMS.register
class RandomScaleAspect:
    """Cut a window of random area and shape at a random place and resample it to the image's size.

    The shape is drawn up to ten times until the window is smaller than the image on both sides; after that the image
    stays as it is.

    Args:
        min_scale: smallest share of the image's area that a window has, up to 1; 0 turns the transform off.
        aspect_ratio: smallest ratio of the sides, up to 1; the largest is its inverse. 0 turns the transform off.

    Raises:
        ConfigError: a value outside 0..1.
    """

    is_random = True

    def __init__(self, min_scale: float = 0.5, aspect_ratio: float = 0.33) -> None:
        for name, value in (("min_scale", min_scale), ("aspect_ratio", aspect_ratio)):
            if not 0 <= value <= 1:
                raise ConfigError(f"RandomScaleAspect.{name} is a ratio from 0 (off) to 1; got {value!r}")
        self.min_scale = min_scale
        self.aspect_ratio = aspect_ratio

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self.min_scale == 0 or self.aspect_ratio == 0:
            return sample
        before = Size.of(sample.image)
        for _ in range(ATTEMPTS):
            window = self._draw_window(before, rng)
            if window.height < before.height and window.width < before.width:
                return resize_sample(self._cut(sample, window, rng), before, INTERPOLATIONS["LINEAR"])
        return sample

    def _draw_window(self, size: Size, rng: np.random.Generator) -> Size:
        area = size.height * size.width * rng.uniform(self.min_scale, 1.0)
        ratio = rng.uniform(self.aspect_ratio, 1 / self.aspect_ratio)
        width, height = (max(int(math.sqrt(square)), 1) for square in (area * ratio, area / ratio))
        return Size(height=width, width=height) if rng.integers(0, 10) < 5 else Size(height, width)

    def _cut(self, sample: Sample, window: Size, rng: np.random.Generator) -> Sample:
        before = Size.of(sample.image)
        top = int(rng.integers(0, before.height - window.height))
        left = int(rng.integers(0, before.width - window.width))
        return crop_sample(sample, window, top, left)
