"""A window of fixed size at a random place."""

import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.transforms.padding import Filling
from segwright.types import Cropped, Sample, Size


@TRANSFORMS.register
class RandomPaddingCrop:
    """Cut a window of fixed size at a random place, after padding at bottom and right where the image is smaller.

    Args:
        crop_size: ``[width, height]`` in pixels.
        im_padding_value: 0..255, one number or one for each channel; rounded where the image is uint8.
        label_padding_value: id of the new label pixels.
        category_max_ratio: below 1, draw again while the window shows a single class, or one class on this share of
            its valid pixels or more. Has no effect without a label.
        ignore_index: label value that counts as no class for ``category_max_ratio``.
        loop_times: how often to draw again at most; the last window drawn is taken as it is.

    Raises:
        ConfigError: a size, ratio or count that is not positive, or a padding value outside 0..255.
    """

    def __init__(
        self,
        crop_size: tuple[int, int] = (512, 512),
        *,
        im_padding_value: float | tuple[float, ...] = 127.5,
        label_padding_value: int = 255,
        category_max_ratio: float = 1.0,
        ignore_index: int = 255,
        loop_times: int = 10,
    ) -> None:
        if category_max_ratio <= 0:
            raise ConfigError(f"RandomPaddingCrop.category_max_ratio is above 0; got {category_max_ratio!r}")
        if loop_times < 1:
            raise ConfigError(f"RandomPaddingCrop.loop_times is a whole number above zero; got {loop_times!r}")
        self.crop_size = parse_size("RandomPaddingCrop.crop_size", crop_size)
        self.filling = Filling("RandomPaddingCrop", im_padding_value, label_padding_value)
        self.category_max_ratio = category_max_ratio
        self.ignore_index = ignore_index
        self.loop_times = loop_times

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        before = Size.of(sample.image)
        padded = Size(max(before.height, self.crop_size.height), max(before.width, self.crop_size.width))
        sample = self.filling.extend(sample, padded)
        if padded == self.crop_size:
            return sample
        top, left = self._choose_corner(sample.label, padded, rng)
        image = self._window(sample.image, top, left)
        label = None if sample.label is None else self._window(sample.label, top, left)
        return sample.moved(image, label, Cropped(padded, top, left))

    def _window(self, array: np.ndarray, top: int, left: int) -> np.ndarray:
        return array[top : top + self.crop_size.height, left : left + self.crop_size.width]

    def _choose_corner(self, label: np.ndarray | None, size: Size, rng: np.random.Generator) -> tuple[int, int]:
        top, left = self._draw_corner(size, rng)
        if label is None or self.category_max_ratio >= 1:
            return top, left
        for _ in range(self.loop_times):
            if largest_share(self._window(label, top, left), self.ignore_index) < self.category_max_ratio:
                break
            top, left = self._draw_corner(size, rng)
        return top, left

    def _draw_corner(self, size: Size, rng: np.random.Generator) -> tuple[int, int]:
        top = rng.integers(0, size.height - self.crop_size.height + 1)
        left = rng.integers(0, size.width - self.crop_size.width + 1)
        return int(top), int(left)


def largest_share(label: np.ndarray, ignore_index: int) -> float:
    """Share of valid pixels that the most frequent class has, 0..1; 1 where no pixel is valid."""
    if label.dtype == np.uint8:  # nearly always; an order of magnitude faster than sorting
        counts = np.bincount(label.ravel(), minlength=256)
        ids = np.arange(256)
    else:
        ids, counts = np.unique(label, return_counts=True)
    counts = counts[ids != ignore_index]
    return float(counts.max() / counts.sum()) if counts.any() else 1.0
