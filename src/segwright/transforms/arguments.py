"""Checks of constructor arguments that several transforms share."""

from collections.abc import Sequence
from numbers import Integral

from segwright.errors import ConfigError
from segwright.types import Size


def parse_size(where: str, wh: Sequence[int]) -> Size:
    """``[width, height]`` as a ``Size``; ``where`` names transform and argument: ``Resize.target_size``.

    Raises:
        ConfigError: not two whole numbers above zero.
    """
    whole = isinstance(wh, Sequence) and all(isinstance(side, Integral) and side > 0 for side in wh)
    if not whole or len(wh) != 2:
        raise ConfigError(f"{where} is [width, height], two whole numbers of pixels above zero; got {wh!r}")
    return Size.from_wh(wh)


def parse_length(where: str, value: int) -> int:
    """A number of pixels.

    Raises:
        ConfigError: not a whole number above zero.
    """
    if not isinstance(value, Integral) or value < 1:
        raise ConfigError(f"{where} is a whole number of pixels above zero; got {value!r}")
    return int(value)


def parse_probability(where: str, value: float) -> float:
    """A number from 0 (never) to 1 (always).

    Raises:
        ConfigError: outside of it.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"{where} is a probability from 0 (never) to 1 (always); got {value!r}")
    return float(value)
