"""A window at a random place."""

import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.transforms.padding import Filling
from segwright.types import Cropped, Sample, Size


def crop_sample(sample: Sample, size: Size, top: int, left: int) -> Sample:
    """The window of ``size`` whose top left corner is (``top``, ``left``), as a view."""
    rows, columns = slice(top, top + size.height), slice(left, left + size.width)
    step = Cropped(Size.of(sample.image), top, left)
    return sample.moved(sample.image[rows, columns], lambda label: label[rows, columns], step)


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

    is_random = True

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
        top, left = self.choose_corner(sample.label, padded, rng)
        return crop_sample(sample, self.crop_size, top, left)

    def choose_corner(self, label: np.ndarray | None, size: Size, rng: np.random.Generator) -> tuple[int, int]:
        """Top and left of a window in an image of ``size``, which is nowhere smaller than the window."""
        top, left = self._draw_corner(size, rng)
        if label is None or self.category_max_ratio >= 1:
            return top, left
        for _ in range(self.loop_times):
            window = label[top : top + self.crop_size.height, left : left + self.crop_size.width]
            if largest_share(window, self.ignore_index) < self.category_max_ratio:
                break
            top, left = self._draw_corner(size, rng)
        return top, left

    def _draw_corner(self, size: Size, rng: np.random.Generator) -> tuple[int, int]:
        top = rng.integers(0, size.height - self.crop_size.height + 1)
        left = rng.integers(0, size.width - self.crop_size.width + 1)
        return int(top), int(left)


@TRANSFORMS.register
class RandomCenterCrop:
    """Cut a random part off each side; how much of an image stays is random too.

    Args:
        retain_ratio: shares of width and height, 0..1, that stay at least.

    Raises:
        ConfigError: a share outside 0..1.
    """

    is_random = True

    def __init__(self, retain_ratio: tuple[float, float] = (0.5, 0.5)) -> None:
        if len(retain_ratio) != 2 or not all(0 <= ratio <= 1 for ratio in retain_ratio):
            raise ConfigError(
                "RandomCenterCrop.retain_ratio is the shares of width and height that stay, each from 0 to 1; "
                f"got {retain_ratio!r}"
            )
        self.retain_ratio = retain_ratio

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self.retain_ratio == (1, 1):
            return sample
        before = Size.of(sample.image)
        cut_width = draw_below(before.width * (1 - self.retain_ratio[0]), rng)
        cut_height = draw_below(before.height * (1 - self.retain_ratio[1]), rng)
        left, top = draw_below(cut_width, rng), draw_below(cut_height, rng)
        return crop_sample(sample, Size(before.height - cut_height, before.width - cut_width), top, left)


def draw_below(limit: float, rng: np.random.Generator) -> int:
    """A whole number from 0 to the one below ``limit``; 0 where there is none."""
    return int(rng.integers(0, int(limit))) if limit >= 1 else 0


def largest_share(label: np.ndarray, ignore_index: int) -> float:
    """Share of valid pixels that the most frequent class has, 0..1; 1 where no pixel is valid."""
    if label.dtype == np.uint8:  # nearly always; an order of magnitude faster than sorting
        counts = np.bincount(label.ravel(), minlength=256)
        ids = np.arange(256)
    else:
        ids, counts = np.unique(label, return_counts=True)
    counts = counts[ids != ignore_index]
    return float(counts.max() / counts.sum()) if counts.any() else 1.0
