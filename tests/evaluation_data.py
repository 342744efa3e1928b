"""Evaluations of generated pictures, for pages about them."""

from typing import Any

import numpy as np

from segwright.images import default_palette
from segwright.metrics import ConfusionMatrix, PerImage
from segwright.metrics.calibration import LEVELS, CalibrationCounts
from segwright.report.evaluation_data import Crop, EvaluationData, ShownPicture

HEIGHT, WIDTH = 36, 48
IGNORED = 255


def evaluation(
    num_classes: int, num_pictures: int, *, names: list[str] | None = None, **changes: Any
) -> EvaluationData:
    """An evaluation whose parts agree: maps of blocks, predicted with more mistakes from picture to picture."""
    rng = np.random.default_rng(num_classes * 1000 + num_pictures)
    total = ConfusionMatrix(num_classes, IGNORED)
    areas, shown = [], []
    for number in range(num_pictures):
        truth = rng.integers(0, num_classes, (6, 8)).repeat(6, axis=0).repeat(6, axis=1).astype(np.uint8)
        prediction = np.where(rng.random(truth.shape) < number / num_pictures, 0, truth).astype(np.uint8)
        truth[0] = IGNORED
        one = ConfusionMatrix(num_classes, IGNORED)
        one.update(prediction, truth)
        total.add(one)
        areas.append(np.stack([one.intersect_area, one.pred_area, one.label_area]))
        shown.append(ShownPicture(number, rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), truth, prediction))
    counts = np.zeros((2, LEVELS), np.int64)
    counts[1, -LEVELS // 3 :], counts[0, -LEVELS // 3 :] = 8, 2
    scores = total.scores()
    content: dict[str, Any] = {
        "title": "A model on generated pictures",
        "class_names": [f"class {index}" for index in range(num_classes)],
        "palette": default_palette(num_classes),
        "class_scores": {"IoU": scores["class_iou"], "precision": scores["class_precision"]},
        "counts": total.counts,
        "calibration": CalibrationCounts(counts),
        "names": names or [f"{number:03d}.png" for number in range(num_pictures)],
        "per_image": PerImage(
            np.stack(areas) if areas else np.zeros((0, 3, num_classes), np.int64), np.zeros((num_pictures, 2), np.int64)
        ),
        "worst": shown[:0:-1][:3],
        "best": shown[:1],
        "crops": lambda *_: [
            Crop("a crop.png", rng.integers(0, 255, (12, 10, 3), np.uint8), rng.random((12, 10)) < 0.5)
        ],
    }
    return EvaluationData(**{**content, **changes})
