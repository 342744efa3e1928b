"""Area under the ROC curve: how often a pixel of a class gets a higher score for it than a pixel of another class.

Ties count half (Hanley and McNeil, 1982, https://doi.org/10.1148/radiology.143.1.7063747). Of two classes the second
one is scored; of more, each against the rest, and the mean is taken over the classes that have pixels on both sides.
"""

import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.metrics.areas import mean


class RocCounts:
    """Pixels of and not of each class, by how sure the model is of the class; can be merged, whatever their number.

    Args:
        counts: int64 (K, 2, L), K being 1 for two classes and else their number; with several labels a pixel, always
            their number; pixels of other classes, and pixels
            of the class, at each of L levels of scores, lowest first. Scores of one level are ties.
        num_classes: classes that the curves stand for; 1 for a single class with a yes or no of its own.
    """

    def __init__(self, counts: np.ndarray, num_classes: int | None = None) -> None:
        self.counts = counts
        self.num_classes = num_classes or max(2, len(counts))

    def add(self, other: "RocCounts") -> None:
        """Take over the counts of another one, for example another process's.

        Raises:
            ConfigError: it counts another number of classes.
        """
        if self.counts.shape != other.counts.shape:
            raise ConfigError(f"cannot merge counts of {len(self.counts)} curves with {len(other.counts)}")
        self.counts += other.counts

    @property
    def class_areas(self) -> list[float | None]:
        """Area of each class; None for one that has no pixels, or all."""
        areas = [area_under_curve(positives, negatives) for negatives, positives in self.counts]
        return areas * (self.num_classes // len(areas))

    @property
    def area(self) -> float | None:
        """Mean of the areas that are defined."""
        return mean(self.class_areas)


def auc_roc(probs: np.ndarray, label: np.ndarray, num_classes: int, ignore_index: int = 255) -> float | None:
    """Area under the ROC curve of scores that are all in memory, to the last digit.

    Args:
        probs: (C, H, W) or (N, C, H, W) scores, higher is surer.
        label: (H, W), (N, H, W) or (N, 1, H, W) true ids; those that are not of a class count nowhere.
        num_classes: C, at least 2.
        ignore_index: label value that counts nowhere.

    Returns:
        The area, from 0 to 1; None if no class has pixels on both sides.

    Raises:
        DataError: the shapes do not fit.
    """
    if probs.ndim < 3 or probs.shape[-3] != num_classes or probs.size != label.size * num_classes:
        raise DataError(
            f"the scores have the shape {probs.shape}, the label {label.shape}; want (N, {num_classes}, H, W) and "
            "(N, H, W)"
        )
    probs, label = np.moveaxis(probs, -3, 0).reshape(num_classes, -1), label.reshape(-1)
    valid = (label >= 0) & (label < num_classes) & (label != ignore_index)
    probs, label = probs[:, valid], label[valid]
    areas = []
    for index in scored_classes(num_classes):
        levels, level = np.unique(probs[index], return_inverse=True)
        positives, negatives = (
            np.bincount(level[side], minlength=levels.size) for side in (label == index, label != index)
        )
        areas.append(area_under_curve(positives, negatives))
    return mean(areas)


def scored_classes(num_classes: int) -> range:
    """Classes that a curve is drawn for: of two, the second one alone, as the first one's is its mirror image."""
    return range(1, 2) if num_classes == 2 else range(num_classes)


def area_under_curve(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Area from the numbers of pixels at each level of scores, lowest first; None without pixels on one side."""
    pairs = float(positives.sum()) * float(negatives.sum())
    if not pairs:
        return None
    below = np.cumsum(negatives) - negatives / 2
    return float(positives @ below) / pairs
