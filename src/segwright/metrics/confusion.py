"""Scores of predicted label maps, all from one matrix of pixel counts.

With I, P and L the pixels of a class that are predicted rightly, predicted at all, and labelled:
IoU = I / (P + L - I), Dice = 2 I / (P + L), precision = I / P, recall = I / L; accuracy is the share of pixels that are
right; kappa (Cohen, 1960, https://doi.org/10.1177/001316446002000104) = (Po - Pe) / (1 - Pe), with Po the observed
agreement of prediction and label and Pe the agreement expected by chance.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from segwright.errors import ConfigError, DataError, suggest

AbsentRule = Literal["one", "zero", "skip"]
CHUNK = 1 << 20  # pixels counted at once: bounds the temporary arrays, and keeps them near the processor


class ConfusionMatrix:
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

    @property
    def absent_classes(self) -> list[int]:
        """Classes in neither prediction nor label: only for these does the convention of the mean IoU matter."""
        return np.flatnonzero(self.pred_area + self.label_area == 0).tolist()

    def scores(self, absent: AbsentRule = "one") -> dict[str, Any]:
        """All scores as plain floats and lists, ready for JSON.

        Args:
            absent: how a class in neither prediction nor label enters the mean IoU: ``one`` as IoU 1 (PaddleSeg since
                2023), ``zero`` as IoU 0 (before), ``skip`` not at all (mmsegmentation). Its Dice, precision and recall
                are 0 and take part for ``one`` and ``zero``, and are left out for ``skip``.

        Returns:
            ``mIoU``, ``Acc``, ``Kappa``, ``mDice``, and for each class ``class_iou``, ``class_dice``,
            ``class_precision``, ``class_recall``. None stands for what is not defined: a class left out, a mean of no
            classes, the accuracy of no pixels, kappa where prediction and label agree by necessity.

        Raises:
            ConfigError: ``absent`` is none of these.
        """
        if absent not in get_args(AbsentRule):
            raise ConfigError(
                f"unknown convention '{absent}' for absent classes; {suggest(absent, get_args(AbsentRule))}"
            )
        intersect, pred, label = self.intersect_area, self.pred_area, self.label_area
        present = pred + label > 0

        def per_class(numerator: np.ndarray, denominator: np.ndarray, if_absent: float) -> list[float | None]:
            values = np.divide(numerator, denominator, out=np.zeros(self.num_classes), where=denominator > 0)
            values[~present] = if_absent
            keep = present | (absent != "skip")
            return [value if kept else None for value, kept in zip(values.tolist(), keep, strict=True)]

        class_iou = per_class(intersect, pred + label - intersect, 1.0 if absent == "one" else 0.0)
        class_dice = per_class(2 * intersect, pred + label, 0.0)
        num_pixels = int(pred.sum())
        return {
            "mIoU": _mean(class_iou),
            "Acc": int(intersect.sum()) / num_pixels if num_pixels else None,
            "Kappa": _kappa(intersect, pred, label),
            "mDice": _mean(class_dice),
            "class_iou": class_iou,
            "class_dice": class_dice,
            "class_precision": per_class(intersect, pred, 0.0),
            "class_recall": per_class(intersect, label, 0.0),
        }

    def mean_iou_by_convention(self) -> dict[AbsentRule, float | None]:
        """The mean IoU under each rule for absent classes; all equal where ``absent_classes`` is empty."""
        return {rule: self.scores(rule)["mIoU"] for rule in get_args(AbsentRule)}


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _kappa(intersect: np.ndarray, pred: np.ndarray, label: np.ndarray) -> float | None:
    """Cohen's kappa with both parts of its fraction as integers: products of areas soon pass 2^63."""
    total = int(label.sum())
    by_chance = sum(p * q for p, q in zip(pred.tolist(), label.tolist(), strict=True))
    denominator = total**2 - by_chance
    return (int(intersect.sum()) * total - by_chance) / denominator if total and denominator else None


def scores(
    pred: np.ndarray, label: np.ndarray, num_classes: int, ignore_index: int = 255, absent: AbsentRule = "one"
) -> dict[str, Any]:
    """Scores of one prediction, or of a stack of them; see ``ConfusionMatrix.scores`` for what comes back.

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
