"""The few values that every floor of the package passes on. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np


class Size(NamedTuple):
    """Height and width in pixels. YAML and flags write ``[width, height]``; ``from_wh`` is the only crossing."""

    height: int
    width: int

    @classmethod
    def from_wh(cls, wh: Sequence[int]) -> "Size":
        """``[width, height]`` as configs and flags spell it."""
        width, height = wh
        return cls(height=int(height), width=int(width))

    @classmethod
    def of(cls, array: np.ndarray) -> "Size":
        """Size of an (H, W) or (H, W, C) array."""
        return cls(height=array.shape[0], width=array.shape[1])

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Resized:
    """The image was resampled; ``before`` is its size until then."""

    before: Size


@dataclass(frozen=True)
class Padded:
    """The image was put on a larger canvas with its top left corner at (``top``, ``left``)."""

    before: Size
    top: int = 0
    left: int = 0


@dataclass(frozen=True)
class Cropped:
    """Only the window whose top left corner was (``top``, ``left``) was kept."""

    before: Size
    top: int
    left: int


@dataclass(frozen=True)
class Flipped:
    """The image was mirrored: ``horizontal`` swaps left and right, ``vertical`` top and bottom."""

    direction: Literal["horizontal", "vertical"]


Geometry = Resized | Padded | Cropped | Flipped


@dataclass(frozen=True)
class Sample:
    """An image with the label map that must follow it.

    Attributes:
        image: (H, W, C) array, RGB; uint8 or float32 in 0..255 until ``Normalize``, float32 after.
        label: (H, W) array of class ids, or None.
        geometry: what was done to the pixels' places, in order, so that a prediction can be brought back.
    """

    image: np.ndarray
    label: np.ndarray | None = None
    geometry: tuple[Geometry, ...] = ()

    def moved(self, image: np.ndarray, label: np.ndarray | None, step: Geometry) -> "Sample":
        """The sample after a transform that moved pixels, with ``step`` noted."""
        return Sample(image, label, (*self.geometry, step))

    def recoloured(self, image: np.ndarray) -> "Sample":
        """The sample after a transform that changed pixel values only."""
        return replace(self, image=image)
