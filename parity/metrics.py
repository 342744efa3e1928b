"""Areas of classes, and the scores that are made of them."""

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parity.comparison import Comparison, Difference, absolute
from segwright.metrics import ConfusionMatrix, MultiLabelCounts, auc_roc

TOLERANCE = 1e-9  # of scores, which are at most 1; areas are whole numbers
AREAS = ("intersect", "pred_area", "label_area")
SCORES = {
    "mIoU": "mean_iou",
    "Acc": "accuracy",
    "Kappa": "kappa",
    "mDice": "mean_dice",
    "class_iou": "class_iou",
    "class_dice": "class_dice",
    "class_precision": "class_precision",
    "class_recall": "class_recall",
}


def cases(folder: Path) -> list[Comparison]:
    """Every recording: predictions and labels of several kinds, and areas under ROC curves."""
    if not folder.is_dir():
        return []
    recorded = json.loads((folder / "cases.json").read_text())
    data = folder / "data.npz"
    return [Comparison(case["name"], partial(_scores, case, data)) for case in recorded["cases"]] + [
        Comparison(case["name"], partial(_area_under_curve, case, data)) for case in recorded["auc_roc"]
    ]


def _scores(case: dict[str, Any], data: Path) -> list[Difference]:
    with np.load(data) as arrays:
        pred, label = (arrays[f"{case['name']}|{what}"] for what in ("pred", "label"))
    counts: ConfusionMatrix | MultiLabelCounts
    areas: Sequence[np.ndarray]
    if "use_multilabel" in case:
        counts = MultiLabelCounts(case["num_classes"])
        counts.update(pred, label)
        areas = tuple(counts.counts)
    else:
        counts = ConfusionMatrix(case["num_classes"], case["ignore_index"])
        counts.update(pred.reshape(label.shape), label)
        areas = (counts.intersect_area, counts.pred_area, counts.label_area)
    scores = counts.scores()
    return [
        *(
            Difference(name, absolute(np.asarray(area), np.array(case[name])), 0)
            for name, area in zip(AREAS, areas, strict=True)
        ),
        *(Difference(ours, _distance(scores[ours], case[theirs]), TOLERANCE) for ours, theirs in SCORES.items()),
    ]


def _distance(score: Any, wanted: Any) -> float:
    """Between two scores, or the scores of classes; None is one that is not defined."""
    if score is None or wanted is None:
        return 0.0 if score is wanted else math.inf
    return absolute(np.array(score, dtype=float), np.array(wanted))


def _area_under_curve(case: dict[str, Any], data: Path) -> list[Difference]:
    name = case["name"]
    with np.load(data) as arrays:
        found = auc_roc(arrays[f"{name}|prob"], arrays[f"{name}|label"], case["num_classes"])
    return [Difference("AUC", _distance(found, case["value"]), TOLERANCE)]
