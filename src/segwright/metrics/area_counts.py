"""Areas that are counted as such, and can be added up."""

import numpy as np
from typing_extensions import Self

from segwright.errors import ConfigError
from segwright.metrics.areas import Areas


class AreaCounts(Areas):
    """Exact sums of areas that are counted as such, over any number of pixels.

    Args:
        num_classes: C.
        ignore_index: label value that counts nowhere.

    Attributes:
        counts: int64 (3, C): predicted rightly, predicted, labelled.

    Raises:
        ConfigError: ``num_classes`` is not positive.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        if num_classes < 1:
            raise ConfigError(f"num_classes is a whole number above zero; got {num_classes!r}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.counts = np.zeros((3, num_classes), dtype=np.int64)

    def add(self, other: Self) -> None:
        """Take over the counts of another one, for example another process's.

        Raises:
            ConfigError: it counts another number of classes or ignores another id.
        """
        if (self.num_classes, self.ignore_index) != (other.num_classes, other.ignore_index):
            raise ConfigError(
                f"cannot merge counts of {self.num_classes} classes ignoring {self.ignore_index} "
                f"with {other.num_classes} classes ignoring {other.ignore_index}"
            )
        self.counts += other.counts

    @property
    def intersect_area(self) -> np.ndarray:
        """(C,) int64: pixels of each class that are predicted as it, too."""
        return self.counts[0]

    @property
    def pred_area(self) -> np.ndarray:
        """(C,) int64: pixels predicted as each class, where the label is not ignored."""
        return self.counts[1]

    @property
    def label_area(self) -> np.ndarray:
        """(C,) int64: pixels labelled as each class."""
        return self.counts[2]
