"""Scores where a pixel may belong to several classes at once, or to none: one 0/1 map for each class."""

import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.metrics.areas import Areas


class MultiLabelCounts(Areas):
    """Exact counts of each class's pixels, predicted, labelled and both.

    Accuracy and kappa are PaddleSeg's: the formulas for single labels on the sums of all classes, so that accuracy is
    the share of predicted (pixel, class) pairs that are right.

    Args:
        num_classes: C.
        ignore_index: label value whose (pixel, class) pairs count nowhere.

    Attributes:
        counts: int64 (3, C): both, predicted, labelled.

    Raises:
        ConfigError: ``num_classes`` is not positive.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        if num_classes < 1:
            raise ConfigError(f"num_classes is a whole number above zero; got {num_classes!r}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.counts = np.zeros((3, num_classes), dtype=np.int64)

    def update(self, pred: np.ndarray, label: np.ndarray) -> None:
        """Count 0/1 maps, (C, H, W) or (N, C, H, W) on both sides.

        Raises:
            DataError: the shapes differ or do not fit C, or there are values other than 0, 1 and ``ignore_index``.
        """
        if pred.shape != label.shape or label.ndim < 3 or label.shape[-3] != self.num_classes:
            raise DataError(
                f"the prediction has the shape {pred.shape}, the label {label.shape}; both want {self.num_classes} "
                "maps of 0 and 1, one for each class"
            )
        valid = label != self.ignore_index
        for name, values in (("prediction", pred), ("label", label[valid])):
            foreign = np.setdiff1d(values, (0, 1))
            if foreign.size:
                raise DataError(f"the {name} holds {foreign[0]}, but maps of several labels hold 0 and 1")
        predicted, labelled = (pred == 1) & valid, (label == 1) & valid
        for row, pixels in enumerate((predicted & labelled, predicted, labelled)):
            others = tuple(axis for axis in range(pixels.ndim) if axis != pixels.ndim - 3)
            self.counts[row] += pixels.sum(axis=others, dtype=np.int64)

    def add(self, other: "MultiLabelCounts") -> None:
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
