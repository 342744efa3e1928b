"""Scores from areas: how many pixels of each class are predicted rightly, predicted at all, and labelled.

With I, P and L these three: IoU = I / (P + L - I), Dice = 2 I / (P + L), precision = I / P, recall = I / L; accuracy is
the share of predictions that are right; kappa (Cohen, 1960, https://doi.org/10.1177/001316446002000104) =
(Po - Pe) / (1 - Pe), with Po the observed agreement of prediction and label and Pe the agreement expected by chance.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from segwright.errors import ConfigError, suggest

AbsentRule = Literal["one", "zero", "skip"]
ABSENT_IOU: dict[AbsentRule, float] = {"one": 1.0, "zero": 0.0, "skip": math.nan}


class Areas(ABC):
    """Scores of counts that know their areas, each (C,) int64."""

    @property
    @abstractmethod
    def intersect_area(self) -> np.ndarray:
        """Pixels of each class that are predicted rightly."""

    @property
    @abstractmethod
    def pred_area(self) -> np.ndarray:
        """Pixels predicted as each class, where the label is not ignored."""

    @property
    @abstractmethod
    def label_area(self) -> np.ndarray:
        """Pixels labelled as each class."""

    @property
    def absent_classes(self) -> list[int]:
        """Classes in neither prediction nor label: only for these does the convention of the mean IoU matter."""
        return np.flatnonzero(self.pred_area + self.label_area == 0).tolist()

    def scores(self, absent: AbsentRule = "one") -> dict[str, Any]:
        """All scores as plain floats and lists; see ``scores_of_areas`` for ``absent`` and what comes back."""
        return scores_of_areas(self.intersect_area, self.pred_area, self.label_area, absent)

    def mean_iou_by_convention(self) -> dict[AbsentRule, float | None]:
        """The mean IoU under each rule for absent classes; all equal where ``absent_classes`` is empty."""
        return {rule: self.scores(rule)["mIoU"] for rule in get_args(AbsentRule)}


def scores_of_areas(
    intersect: np.ndarray, pred: np.ndarray, label: np.ndarray, absent: AbsentRule = "one"
) -> dict[str, Any]:
    """All scores as plain floats and lists, ready for JSON.

    Args:
        intersect: (C,) int64, I.
        pred: (C,) int64, P.
        label: (C,) int64, L.
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
    present = pred + label > 0

    def per_class(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
        return _ratios(numerator, denominator, present, math.nan if absent == "skip" else 0.0)

    iou, dice = ious(intersect, pred, label, absent), per_class(2 * intersect, pred + label)
    num_predictions = int(pred.sum())
    return {
        "mIoU": mean(plain(iou)),
        "Acc": int(intersect.sum()) / num_predictions if num_predictions else None,
        "Kappa": _kappa(intersect, pred, label),
        "mDice": mean(plain(dice)),
        "class_iou": plain(iou),
        "class_dice": plain(dice),
        "class_precision": plain(per_class(intersect, pred)),
        "class_recall": plain(per_class(intersect, label)),
    }


def ious(intersect: np.ndarray, pred: np.ndarray, label: np.ndarray, absent: AbsentRule = "one") -> np.ndarray:
    """(..., C) float64 IoU of each class from (..., C) areas, NaN for a class left out; see ``scores_of_areas``.

    Raises:
        ConfigError: ``absent`` is not a known convention.
    """
    if absent not in ABSENT_IOU:
        raise ConfigError(f"unknown convention '{absent}' for absent classes; {suggest(absent, tuple(ABSENT_IOU))}")
    return _ratios(intersect, pred + label - intersect, pred + label > 0, ABSENT_IOU[absent])


def _ratios(numerator: np.ndarray, denominator: np.ndarray, present: np.ndarray, if_absent: float) -> np.ndarray:
    """Quotients of classes that are present, 0 where the denominator is; and what stands for the others."""
    quotients = np.divide(numerator, denominator, out=np.zeros(present.shape), where=denominator > 0)
    return np.where(present, quotients, if_absent)


def plain(values: np.ndarray) -> list[float | None]:
    """An array's values for JSON: None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def mean(values: Sequence[float | None]) -> float | None:
    """Mean of what is defined; None where nothing is."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _kappa(intersect: np.ndarray, pred: np.ndarray, label: np.ndarray) -> float | None:
    """Cohen's kappa with both parts of its fraction as integers: products of areas soon pass 2^63."""
    total = int(label.sum())
    by_chance = sum(p * q for p, q in zip(pred.tolist(), label.tolist(), strict=True))
    denominator = total**2 - by_chance
    return (int(intersect.sum()) * total - by_chance) / denominator if total and denominator else None
