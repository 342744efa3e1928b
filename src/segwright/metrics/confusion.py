"""Scores of predicted label maps, all from one matrix of pixel counts."""

from typing import Any

import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.metrics.areas import AbsentRule, Areas

CHUNK = 1 << 20  # pixels counted at once: bounds the temporary arrays, and keeps them near the processor


class ConfusionMatrix(Areas):
    """Exact counts of which label met which prediction, over any number of pixels.

    Args:
        num_classes: C, not counting ignored pixels.
        ignore_index: label value whose predictions count nowhere. If it is itself one of the C classes, its labelled
            pixels still make up ``label_area`` and thereby kappa, as in PaddleSeg.

    Attributes:
        counts: int64 (C + 1, C); row = label, column = prediction. The last row holds labels that are neither a class
            nor ``ignore_index``: their predictions count as wrong.

    Raises:
        ConfigError: ``num_classes`` is not positive.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        if num_classes < 1:
            raise ConfigError(f"num_classes is a whole number above zero; got {num_classes!r}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.counts = np.zeros((num_classes + 1, num_classes), dtype=np.int64)

    def update(self, pred: np.ndarray, label: np.ndarray) -> None:
        """Count the pixels of a prediction, (H, W), (N, H, W) or any other shape, and of its label.

        Fastest with uint8 on both sides.

        Raises:
            DataError: the shapes differ, the ids are not integers, or a prediction is not in 0..C-1.
        """
        if pred.shape != label.shape:
            raise DataError(
                f"the prediction has the shape {pred.shape}, the label {label.shape}; "
                "bring the prediction back to the label's size before scoring"
            )
        for name, ids in (("prediction", pred), ("label", label)):
            if ids.dtype.kind not in "iub":
                raise DataError(f"the {name} holds {ids.dtype}, but class ids are integers; take the argmax of scores")
        count = self._count_bytes if pred.dtype == label.dtype == np.uint8 else self._count_integers
        pred, label = pred.reshape(-1), label.reshape(-1)
        total = np.zeros_like(self.counts)
        for start in range(0, pred.size, CHUNK):
            total += count(pred[start : start + CHUNK], label[start : start + CHUNK])
        self.counts += total  # in one step: an error above leaves the matrix as it was

    def _count_bytes(self, pred: np.ndarray, label: np.ndarray) -> np.ndarray:
        """Counts of uint8 ids by one histogram of (label, prediction) pairs: no masks, no passes to find ranges."""
        pairs = np.bincount((label.astype(np.uint16) << 8) | pred, minlength=1 << 16).reshape(256, 256)
        known = min(self.num_classes, 256)
        self._check_predictions(np.flatnonzero(pairs[:, known:].any(axis=0)) + known)
        if known <= self.ignore_index < 256:
            pairs[self.ignore_index] = 0
        counts = np.zeros_like(self.counts)
        counts[:known, :known] = pairs[:known, :known]
        counts[-1, :known] = pairs[known:, :known].sum(axis=0)
        return counts

    def _count_integers(self, pred: np.ndarray, label: np.ndarray) -> np.ndarray:
        pred, label = pred.astype(np.int64, copy=False), label.astype(np.int64, copy=False)
        self._check_predictions(np.unique(pred[(pred < 0) | (pred >= self.num_classes)]))
        known = (label >= 0) & (label < self.num_classes)
        cells = np.where(known, label, self.num_classes) * self.num_classes + pred
        cells = cells[known | (label != self.ignore_index)]
        return np.bincount(cells, minlength=self.counts.size).reshape(self.counts.shape)

    def _check_predictions(self, foreign: np.ndarray) -> None:
        if foreign.size:
            listed = ", ".join(map(str, foreign[:10])) + (", ..." if foreign.size > 10 else "")
            raise DataError(
                f"the prediction holds {listed}, but {self.num_classes} classes have ids 0..{self.num_classes - 1}; "
                "check num_classes"
            )

    def add(self, other: "ConfusionMatrix") -> None:
        """Take over the counts of another matrix, for example another process's.

        Raises:
            ConfigError: it counts other classes or ignores another id.
        """
        if (self.num_classes, self.ignore_index) != (other.num_classes, other.ignore_index):
            raise ConfigError(
                f"cannot merge counts of {self.num_classes} classes ignoring {self.ignore_index} "
                f"with {other.num_classes} classes ignoring {other.ignore_index}"
            )
        self.counts += other.counts

    def __add__(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        merged = ConfusionMatrix(self.num_classes, self.ignore_index)
        merged.add(self)
        merged.add(other)
        return merged

    @property
    def _ignores_a_class(self) -> bool:
        return 0 <= self.ignore_index < self.num_classes

    @property
    def intersect_area(self) -> np.ndarray:
        """(C,) int64: pixels predicted as their label says."""
        area = np.diagonal(self.counts).copy()
        if self._ignores_a_class:
            area[self.ignore_index] = 0
        return area

    @property
    def pred_area(self) -> np.ndarray:
        """(C,) int64: pixels predicted as each class, where the label is not ignored."""
        area = self.counts.sum(axis=0)
        return area - self.counts[self.ignore_index] if self._ignores_a_class else area

    @property
    def label_area(self) -> np.ndarray:
        """(C,) int64: pixels labelled as each class."""
        return self.counts[:-1].sum(axis=1)


def scores(
    pred: np.ndarray, label: np.ndarray, num_classes: int, ignore_index: int = 255, absent: AbsentRule = "one"
) -> dict[str, Any]:
    """Scores of one prediction, or of a stack of them; see ``areas.scores_of_areas`` for what comes back.

    Args:
        pred: class ids of any shape.
        label: true ids of the same shape.
        num_classes: C; predictions are 0..C-1.
        ignore_index: label value that counts nowhere.
        absent: how a class in neither prediction nor label enters the mean IoU.
    """
    matrix = ConfusionMatrix(num_classes, ignore_index)
    matrix.update(np.asarray(pred), np.asarray(label))
    return matrix.scores(absent)
