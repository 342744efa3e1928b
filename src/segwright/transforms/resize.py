"""Resampling to another size: bilinear and friends for images, nearest for label maps, which must not gain ids."""

import math
from typing import Literal

import cv2
import numpy as np

from segwright.errors import ConfigError, suggest
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.types import Resized, Sample, Size

INTERPOLATIONS = {
    "NEAREST": cv2.INTER_NEAREST,
    "LINEAR": cv2.INTER_LINEAR,
    "CUBIC": cv2.INTER_CUBIC,
    "AREA": cv2.INTER_AREA,
    "LANCZOS4": cv2.INTER_LANCZOS4,
}
MAX_CHANNELS = 64  # OpenCV 5 stops at 127 in one array, OpenCV 4 at 512


def resize(array: np.ndarray, size: Size, interpolation: int) -> np.ndarray:
    """Resample (H, W) or (H, W, C) of any number of channels with an OpenCV flag; the dtype stays."""
    if array.ndim == 3 and array.shape[2] > MAX_CHANNELS:
        starts = range(0, array.shape[2], MAX_CHANNELS)
        parts = [resize(array[:, :, start : start + MAX_CHANNELS], size, interpolation) for start in starts]
        return np.concatenate(parts, axis=2)
    resized = cv2.resize(array, (size.width, size.height), interpolation=interpolation)
    return resized.reshape(*size, *array.shape[2:])  # OpenCV drops a channel axis of length 1


def resize_sample(sample: Sample, size: Size, interpolation: int) -> Sample:
    """Image resampled with ``interpolation``, label with nearest; the same sample if it has that size already."""
    before = Size.of(sample.image)
    if size == before:
        return sample
    image = resize(sample.image, size, interpolation)
    return sample.moved(image, lambda label: resize(label, size, cv2.INTER_NEAREST), Resized(before))


def scaled(size: Size, factor: float) -> Size:
    """Both sides times ``factor``, rounded, at least 1."""
    height, width = (max(round(side * factor), 1) for side in size)
    return Size(height, width)


@TRANSFORMS.register
class Resize:
    """Resample to a fixed size, or to the largest size of the same shape that fits into it.

    Args:
        target_size: ``[width, height]`` in pixels.
        keep_ratio: scale both sides by the same factor: the largest with which the longer side stays within the
            longer of ``target_size`` and the shorter within the shorter, whichever way round the image lies.
        size_divisor: round both sides up to multiples of this, after ``keep_ratio``.
        interp: how image pixels are computed; ``RANDOM`` draws one of the others for each image.

    Raises:
        ConfigError: a size that is not positive, or an interpolation that does not exist.
    """

    def __init__(
        self,
        target_size: tuple[int, int] = (512, 512),
        *,
        keep_ratio: bool = False,
        size_divisor: int | None = None,
        interp: Literal["NEAREST", "LINEAR", "CUBIC", "AREA", "LANCZOS4", "RANDOM"] = "LINEAR",
    ) -> None:
        if interp != "RANDOM" and interp not in INTERPOLATIONS:
            raise ConfigError(f"Resize.interp: unknown '{interp}'; {suggest(interp, [*INTERPOLATIONS, 'RANDOM'])}")
        if size_divisor is not None and size_divisor < 1:
            raise ConfigError(f"Resize.size_divisor is a whole number above zero, or absent; got {size_divisor!r}")
        self.target_size = parse_size("Resize.target_size", target_size)
        self.keep_ratio = keep_ratio
        self.size_divisor = size_divisor
        self.interp = interp
        self.is_random = interp == "RANDOM"

    def size_for(self, before: Size) -> Size:
        """The size that an image of size ``before`` gets."""
        height, width = self.target_size
        if self.keep_ratio:
            height, width = scaled(
                before, min(max(self.target_size) / max(before), min(self.target_size) / min(before))
            )
        if self.size_divisor:
            height, width = (math.ceil(side / self.size_divisor) * self.size_divisor for side in (height, width))
        return Size(height, width)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        name = str(rng.choice(list(INTERPOLATIONS))) if self.is_random else self.interp
        return resize_sample(sample, self.size_for(Size.of(sample.image)), INTERPOLATIONS[name])


@TRANSFORMS.register
class ResizeStepScaling:
    """Scale an image and its label by one random factor, keeping the aspect ratio.

    Args:
        min_scale_factor: smallest factor.
        max_scale_factor: largest factor.
        scale_step_size: distance between the evenly spaced factors to draw from; 0 draws any value between.

    Raises:
        ConfigError: factors that are not positive or in the wrong order, or a negative step.
    """

    def __init__(
        self, min_scale_factor: float = 0.75, max_scale_factor: float = 1.25, scale_step_size: float = 0.25
    ) -> None:
        if not 0 < min_scale_factor <= max_scale_factor:
            raise ConfigError(
                "ResizeStepScaling wants 0 < min_scale_factor <= max_scale_factor; "
                f"got {min_scale_factor!r} and {max_scale_factor!r}"
            )
        if scale_step_size < 0:
            raise ConfigError(f"ResizeStepScaling.scale_step_size is 0 or more; got {scale_step_size!r}")
        self.low, self.high = min_scale_factor, max_scale_factor
        self.is_random = self.low < self.high
        self.factors: np.ndarray | None = None
        if scale_step_size > 0:
            steps = (self.high - self.low) / scale_step_size
            self.factors = np.linspace(self.low, self.high, int(steps + 1e-9) + 1)  # (0.7 - 0.5) / 0.1 is just below 2

    def draw_size(self, before: Size, rng: np.random.Generator) -> Size:
        """A size for an image of size ``before``."""
        return scaled(
            before, float(rng.uniform(self.low, self.high) if self.factors is None else rng.choice(self.factors))
        )

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        return resize_sample(sample, self.draw_size(Size.of(sample.image), rng), cv2.INTER_LINEAR)
