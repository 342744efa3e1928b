"""Boundary IoU: how well predictions follow the outlines of things (Cheng et al., 2021).

https://arxiv.org/abs/2103.16562: the IoU of only those pixels of a class that lie within a distance d of its outline.
Unlike IoU it does not forgive a ragged outline where the inside is large.
"""

import math

import cv2
import numpy as np

from segwright.errors import DataError
from segwright.metrics.area_counts import AreaCounts

DILATION_RATIO = 0.02  # the paper's, for d as a share of the picture's diagonal


class BoundaryCounts(AreaCounts):
    """Areas of each class near its outline, of predictions and labels, whose scores are those of boundaries.

    The areas of pictures add up before their ratio is taken, as for IoU. The picture's border is an outline, as in the
    paper's program. Ignored pixels count nowhere, and nothing is an outline only because it meets them.
    """

    def update(self, pred: np.ndarray, label: np.ndarray) -> None:
        """Count a picture: (H, W) class ids, or (C, H, W) maps of 0 and 1 where a pixel may have several labels.

        Raises:
            DataError: the shapes differ, or there are not C maps.
        """
        if pred.shape != label.shape or pred.ndim not in (2, 3):
            raise DataError(
                f"the prediction has the shape {pred.shape}, the label {label.shape}; boundaries want one picture at a "
                "time, (H, W) or (C, H, W), both of the label's size"
            )
        if pred.ndim == 2:
            self.counts += boundary_areas(pred, label, self.num_classes, self.ignore_index)
            return
        if len(pred) != self.num_classes:
            raise DataError(f"there are {len(pred)} maps of 0 and 1, but {self.num_classes} classes")
        for index, (maps_pred, maps_label) in enumerate(zip(pred, label, strict=True)):
            self.counts[:, index] += boundary_areas(maps_pred, maps_label, 2, self.ignore_index)[:, 1]


def boundary_areas(
    pred: np.ndarray,
    label: np.ndarray,
    num_classes: int,
    ignore_index: int = 255,
    dilation_ratio: float = DILATION_RATIO,
) -> np.ndarray:
    """Pixels of each class near its outline.

    Args:
        pred: (H, W) class ids.
        label: (H, W) true ids.
        num_classes: C; other labels are no class, but bound those that are.
        ignore_index: label value of pixels that are left out.
        dilation_ratio: d as a share of the diagonal; it is rounded, and at least one pixel.

    Returns:
        (3, C) int64: near the outlines of the class in both prediction and label, in the prediction, in the label.
    """
    distance = max(1, round(dilation_ratio * math.hypot(*label.shape)))
    ignored = label == ignore_index
    pred, label = _narrow(pred, num_classes), _narrow(label, num_classes)
    pred_near, label_near = (near_outline(ids, ignored, distance) for ids in (pred, label))
    parts = (label[pred_near & label_near & (pred == label)], pred[pred_near], label[label_near])
    return np.stack([np.bincount(ids, minlength=num_classes + 1)[:num_classes] for ids in parts])


def near_outline(ids: np.ndarray, ignored: np.ndarray, distance: int) -> np.ndarray:
    """Where another id, or the picture's end, is at most ``distance`` rows and columns away: (H, W) bool.

    This is each class's mask without its erosion, for all classes at once: a pixel is inside its class if the lowest
    and the highest id around it are its own.

    Args:
        ids: (H, W) uint8 or uint16.
        ignored: (H, W) bool; pixels that neither are near an outline nor make one.
        distance: at least 1.
    """
    around = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    lowest = cv2.erode(np.where(ignored, np.iinfo(ids.dtype).max, ids), around)
    highest = cv2.dilate(np.where(ignored, 0, ids), around)
    near = (lowest != ids) | (highest != ids)
    near[:distance] = near[-distance:] = True
    near[:, :distance] = near[:, -distance:] = True
    return near & ~ignored


def _narrow(ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Ids in a type that OpenCV compares fast; all that are no class become ``num_classes``."""
    known = (ids >= 0) & (ids < num_classes)
    return np.where(known, ids, num_classes).astype(np.uint8 if num_classes < 255 else np.uint16)
