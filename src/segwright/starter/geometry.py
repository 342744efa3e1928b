"""How large pictures and crops are in training."""

from dataclasses import dataclass

from segwright.types import Size

STRIDE = 32
"""What sides of crops are multiples of: the coarsest feature maps of the models here are at 1/32."""

ROOM = 2.4  # times the pixels of a crop that a picture may have before it is made smaller
SHRUNK = 2.0  # and how many it has then


@dataclass(frozen=True)
class Geometry:
    """Sizes.

    Attributes:
        max_long: longest side to which pictures are made smaller; None where they stay as they are.
        picture: the usual picture after that.
        crop: what is cut out of it for a training step.
    """

    max_long: int | None
    picture: Size
    crop: Size


def choose_geometry(median: Size, budget: int) -> Geometry:
    """Sizes for pictures of which the usual one is ``median``.

    Args:
        median: size of the usual picture.
        budget: pixels of a crop that the device computes in a reasonable time.
    """
    area = median.height * median.width
    max_long, picture = None, median
    if area > ROOM * budget:
        factor = (SHRUNK * budget / area) ** 0.5
        max_long = _multiple(max(median) * factor)
        factor = max_long / max(median)
        picture = Size(*(round(side * factor) for side in median))
    factor = min(1.0, (budget / (picture.height * picture.width)) ** 0.5)
    return Geometry(max_long, picture, Size(*(_multiple(side * factor) for side in picture)))


def _multiple(length: float) -> int:
    return max(STRIDE, round(length / STRIDE) * STRIDE)
