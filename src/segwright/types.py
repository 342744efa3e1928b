"""The few values that every floor of the package passes on. NumPy only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from segwright.errors import ConfigError


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


@dataclass(frozen=True)
class Warped:
    """The image was rotated; it is for training only, and nothing brings a prediction back from there."""

    before: Size

    def refuse(self) -> ConfigError:
        """What to raise instead of bringing a prediction back."""
        return ConfigError(
            f"a prediction for a picture of {self.before} that was rotated at random cannot be brought back: keep "
            "RandomRotation and RandomAffine to the training transforms"
        )


Geometry = Resized | Padded | Cropped | Flipped | Warped


@dataclass(frozen=True)
class Sample:
    """An image with the label map that must follow it.

    Attributes:
        image: (H, W, C) array, RGB; uint8 or float32 in 0..255 until ``Normalize``, float32 after.
        label: (H, W) array of class ids, or (H, W, K) of K yes-or-no answers, or None.
        geometry: what was done to the pixels' places, in order, so that a prediction can be brought back.
        edge: (H, W) uint8 boundary map that follows the label, 1 near a boundary, else 0, and what a transform
            fills new label pixels with; or None.
        targets: what else a loss compares with, by name, computed from the label as it finally is.
    """

    image: np.ndarray
    label: np.ndarray | None = None
    geometry: tuple[Geometry, ...] = ()
    edge: np.ndarray | None = None
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)

    def moved(self, image: np.ndarray, move: Callable[[np.ndarray], np.ndarray], step: Geometry) -> "Sample":
        """The sample after a transform that moved pixels.

        Args:
            image: the image as it is now.
            move: does the same to an (H, W) or (H, W, K) map, without inventing values.
            step: what is noted, for the way back.

        Raises:
            ConfigError: there are ``targets``, which cannot follow.
        """
        if self.targets:
            raise ConfigError(
                f"a transform moves pixels after {', '.join(self.targets)} were made of the label map: "
                "put the transform that makes them behind all that resize, crop, pad, flip or rotate"
            )
        label, edge = (None if array is None else move(array) for array in (self.label, self.edge))
        return replace(self, image=image, label=label, edge=edge, geometry=(*self.geometry, step))

    def recoloured(self, image: np.ndarray) -> "Sample":
        """The sample after a transform that changed pixel values only."""
        return replace(self, image=image)
