"""Label maps on disk, side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.errors import DataError
from segwright.images import read_label


@dataclass(frozen=True)
class Agreement:
    """How many pixels of two sets of label maps have the same class."""

    same: int
    pixels: int

    @property
    def share(self) -> float:
        """0..1; 1 only if there is not one pixel of difference."""
        return self.same / self.pixels


def compare_label_maps(first: Path, second: Path, names: Iterable[str]) -> Agreement:
    """Compare files of the same name in two folders, pixel by pixel.

    Raises:
        DataError: a file is missing or damaged, or two have different sizes.
    """
    same = pixels = 0
    for name in names:
        one, other = read_label(first / name), read_label(second / name)
        if one.shape != other.shape:
            raise DataError(f"{first / name} has the shape {one.shape}, {second / name} {other.shape}; want the same")
        same += int(np.count_nonzero(one == other))
        pixels += one.size
    return Agreement(same, pixels)
