"""Scores of each picture alone: where a model fails, and by how much scores vary from picture to picture."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwright.metrics.areas import scores_of_areas


@dataclass(frozen=True)
class PerImage:
    """What was counted of N pictures, one by one, in the order of their data set.

    Attributes:
        areas: int64 (N, 3, C): pixels of each class predicted rightly, predicted, labelled.
        sizes: int64 (N, 2): height and width of each label map.
        confused: int64 (N, 3): the label and the prediction that meet most often of those that differ, and in how many
            pixels, which may be none; None where a pixel may have several labels.
    """

    areas: np.ndarray
    sizes: np.ndarray
    confused: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.areas)

    def scores(self, index: int) -> dict[str, Any]:
        """Of one picture, as ``scores_of_areas``; classes in neither its prediction nor its label are left out."""
        intersect, pred, label = self.areas[index]
        return scores_of_areas(intersect, pred, label, "skip")

    def to_csv(self, names: Sequence[str], class_names: Sequence[str] | None = None) -> str:
        """A table with a row for each picture; a score that is not defined is an empty cell.

        Columns: ``file``, ``width``, ``height``, ``mIoU`` over the classes in the picture's prediction or label,
        ``Acc``, ``IoU NAME`` for each class, and unless a pixel may have several labels, ``confused_label``,
        ``confused_prediction`` and ``confused_pixels``: the pair of classes most confused.

        Args:
            names: of the pictures.
            class_names: of the classes; their numbers by default.
        """
        classes = list(class_names or map(str, range(self.areas.shape[2])))
        pair = [] if self.confused is None else ["confused_label", "confused_prediction", "confused_pixels"]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["file", "width", "height", "mIoU", "Acc", *(f"IoU {name}" for name in classes), *pair])
        for index, name in enumerate(names):
            scores = self.scores(index)
            values = [_cell(value) for value in (scores["mIoU"], scores["Acc"], *scores["class_iou"])]
            table.writerow([name, *self.sizes[index, ::-1], *values, *self._pair(index, classes)])
        return text.getvalue()

    def _pair(self, index: int, classes: Sequence[str]) -> list[Any]:
        if self.confused is None:
            return []
        label, pred, pixels = self.confused[index].tolist()
        return [classes[label], classes[pred], pixels] if pixels else ["", "", 0]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
