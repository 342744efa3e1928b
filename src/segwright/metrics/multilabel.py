"""Scores where a pixel may belong to several classes at once, or to none: one 0/1 map for each class."""

import numpy as np

from segwright.errors import DataError
from segwright.metrics.area_counts import AreaCounts


class MultiLabelCounts(AreaCounts):
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
