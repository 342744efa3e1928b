"""How far scores would move with other pictures of the same kind: bootstrap intervals (Efron, 1979).

https://doi.org/10.1214/aos/1176344552: as many pictures are drawn, with replacement, as there are, and scored again;
the middle 95 % of such scores is the percentile interval. It tells the luck of which pictures were chosen, not that of
training.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from segwright.errors import DataError
from segwright.metrics.areas import AbsentRule, ious

LEVEL = 0.95
CHUNK = 1 << 22  # draws at once: bounds the memory


def bootstrap(
    areas: np.ndarray, *, resamples: int = 1000, seed: int = 0, level: float = LEVEL, absent: AbsentRule = "one"
) -> dict[str, Any]:
    """Percentile intervals of mean IoU, accuracy and each class's IoU.

    A class that a resample happens to lack is left out of it; ``absent`` is for classes that no picture has.

    Args:
        areas: (N, 3, C) int64, of each picture: pixels of each class predicted rightly, predicted, labelled.
        resamples: how often N pictures are drawn.
        seed: decides the draws.
        level: share of the resamples that lies within an interval.
        absent: how a class in no prediction or label enters the mean IoU; see ``scores_of_areas``.

    Returns:
        Plain data, ready for JSON: ``level``, ``resamples``, ``seed``, and as [low, high] ``mIoU``, ``Acc`` and, as a
        list, ``class_iou``; None for what is not defined, such as a class that no picture has.

    Raises:
        DataError: there are fewer than two pictures.
        ConfigError: ``absent`` is not a known convention.
    """
    require_several(len(areas))
    intersect, pred, label = np.moveaxis(np.concatenate(list(_resampled(areas, resamples, seed))), 1, 0)
    iou = ious(intersect, pred, label, "skip")
    total = areas.sum(axis=0)
    nowhere = total[1] + total[2] == 0
    entering = np.where(nowhere, ious(total[0], total[1], total[2], absent), iou)
    right, judged = intersect.sum(axis=1), pred.sum(axis=1)
    accuracy = np.divide(right, judged, out=np.full(len(right), np.nan), where=judged > 0)
    return {
        "level": level,
        "resamples": resamples,
        "seed": seed,
        "mIoU": _interval(_means(entering), level),
        "Acc": _interval(accuracy, level),
        "class_iou": [_interval(values, level) for values in iou.T],
    }


def require_several(num_images: int) -> None:
    """Raise a ``DataError`` unless there are at least two pictures to draw from."""
    if num_images < 2:
        raise DataError(
            "confidence intervals tell how scores vary from picture to picture, but there is one picture: "
            "leave out --bootstrap"
        )


def _resampled(areas: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(R, 3, C) areas of resamples, some at a time. Sums below 2^53 are exact in float64, which is multiplied fast."""
    rng = np.random.default_rng(seed)
    count = len(areas)
    flat = areas.reshape(count, -1).astype(np.float64)
    step = max(1, CHUNK // count)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        draws = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count)
        yield (times.astype(np.float64) @ flat).reshape(rows, *areas.shape[1:])


def _means(values: np.ndarray) -> np.ndarray:
    """Means of (R, C) along the classes that are defined; NaN where none is."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=1)
    return np.divide(values.sum(axis=1, where=defined), count, out=np.full(len(values), np.nan), where=count > 0)


def _interval(values: np.ndarray, level: float) -> list[float] | None:
    defined = values[~np.isnan(values)]
    return np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist() if defined.size else None
