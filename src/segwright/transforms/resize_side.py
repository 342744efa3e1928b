"""Resampling by the length of one side; the other follows, so that the shape stays."""

import cv2
import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_length
from segwright.transforms.resize import resize_sample, scaled
from segwright.types import Sample, Size


@TRANSFORMS.register
class ResizeByLong:
    """Resample so that the longer side has a given length.

    Args:
        long_size: of the longer side, in pixels.

    Raises:
        ConfigError: a length that is not positive.
    """

    def __init__(self, long_size: int) -> None:
        self.long_size = parse_length("ResizeByLong.long_size", long_size)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        return resize_to_long(sample, self.long_size)


@TRANSFORMS.register
class ResizeByShort:
    """Resample so that the shorter side has a given length, or less where the longer one would get too long.

    Args:
        short_size: of the shorter side, in pixels; of several lengths, one is drawn for each image.
        max_size: longest that the longer side may get; it may stay a little below.

    Raises:
        ConfigError: a length that is not positive.
    """

    def __init__(self, short_size: int | tuple[int, ...], max_size: float = 1e10) -> None:
        sizes = (short_size,) if isinstance(short_size, int) else short_size
        if not sizes or max_size < 1:
            raise ConfigError(
                "ResizeByShort wants one short_size or several, and a max_size above zero; "
                f"got {short_size!r} and {max_size!r}"
            )
        self.short_sizes = tuple(parse_length("ResizeByShort.short_size", size) for size in sizes)
        self.max_size = max_size
        self.is_random = len(self.short_sizes) > 1

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        before = Size.of(sample.image)
        short = int(rng.choice(self.short_sizes)) if self.is_random else self.short_sizes[0]
        if short / min(before) * max(before) <= self.max_size:
            return resize_to_short(sample, short)
        short = int(self.max_size / max(before) * min(before))
        return resize_to_short(sample, short) if short else resize_to_long(sample, int(self.max_size))


@TRANSFORMS.register
class ResizeRangeScaling:
    """Resample so that the longer side has a random length.

    Args:
        min_value: shortest, in pixels.
        max_value: longest.

    Raises:
        ConfigError: lengths that are not positive or in the wrong order.
    """

    def __init__(self, min_value: int = 400, max_value: int = 600) -> None:
        if not 0 < min_value <= max_value:
            raise ConfigError(
                f"ResizeRangeScaling wants 0 < min_value <= max_value; got {min_value!r} and {max_value!r}"
            )
        self.low, self.high = min_value, max_value
        self.is_random = self.low < self.high

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        return resize_to_long(sample, int(rng.uniform(self.low, self.high) + 0.5) if self.is_random else self.low)


class Limits:
    """What the length of a side is brought to where it is too long or too short.

    Raises:
        ConfigError: lengths that are not positive or in the wrong order.
    """

    def __init__(self, transform: str, side: str, longest: int | None, shortest: int | None) -> None:
        for name, value in ((f"max_{side}", longest), (f"min_{side}", shortest)):
            if value is not None:
                parse_length(f"{transform}.{name}", value)
        if longest is not None and shortest is not None and shortest > longest:
            raise ConfigError(
                f"{transform} wants min_{side} <= max_{side}; got {shortest!r} and {longest!r}: exchange them"
            )
        self.longest, self.shortest = longest, shortest

    def apply(self, length: int) -> int:
        """The allowed length that is nearest."""
        if self.longest is not None and length > self.longest:
            return self.longest
        if self.shortest is not None and length < self.shortest:
            return self.shortest
        return length


@TRANSFORMS.register
class LimitLong:
    """Resample where the longer side is too long or too short, so that it just is not.

    Args:
        max_long: longest that it may be, in pixels; None for any length.
        min_long: shortest that it may be; None for any length.

    Raises:
        ConfigError: lengths that are not positive or in the wrong order.
    """

    def __init__(self, max_long: int | None = None, min_long: int | None = None) -> None:
        self.limits = Limits("LimitLong", "long", max_long, min_long)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        return resize_to_long(sample, self.limits.apply(max(Size.of(sample.image))))


@TRANSFORMS.register
class LimitShort:
    """Resample where the shorter side is too long or too short, so that it just is not.

    Args:
        max_short: longest that it may be, in pixels; None for any length.
        min_short: shortest that it may be; None for any length.

    Raises:
        ConfigError: lengths that are not positive or in the wrong order.
    """

    def __init__(self, max_short: int | None = None, min_short: int | None = None) -> None:
        self.limits = Limits("LimitShort", "short", max_short, min_short)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        return resize_to_short(sample, self.limits.apply(min(Size.of(sample.image))))


def resize_to_long(sample: Sample, length: int) -> Sample:
    """The longer side as long as ``length``; the same sample if it is already."""
    before = Size.of(sample.image)
    return resize_sample(sample, scaled(before, length / max(before)), cv2.INTER_LINEAR)


def resize_to_short(sample: Sample, length: int) -> Sample:
    """The shorter side as long as ``length``; the same sample if it is already."""
    before = Size.of(sample.image)
    return resize_sample(sample, scaled(before, length / min(before)), cv2.INTER_LINEAR)
