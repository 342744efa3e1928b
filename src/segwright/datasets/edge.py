"""Boundaries between classes."""

import cv2
import numpy as np


def boundary_map(label: np.ndarray, num_classes: int, radius: int = 2) -> np.ndarray:
    """Mark pixels near a boundary, as PaddleSeg's ``mask_to_binary_edge`` does for ``edge: True``.

    PaddleSeg takes, class by class, the pixels whose Euclidean distance to the other side of the class's border is at
    most ``radius``. That is the same as: within a disk of that radius there are two different classes. So one
    dilation and one erosion of the label map do for all classes. Ignored pixels and everything outside the
    picture count as one more class, which is why the picture's rim is marked, but have no boundary of their own.

    Args:
        label: (H, W) class ids; those outside 0..num_classes-1 are ignored.
        num_classes: classes that count.
        radius: of the disk, in pixels.

    Returns:
        (1, H, W) uint8, 1 near a boundary, else 0.
    """
    outside = num_classes
    classes = np.where((label >= 0) & (label < num_classes), label, outside)
    classes = classes.astype(np.uint8 if num_classes < 256 else np.uint16)  # what OpenCV's morphology takes
    offsets = np.arange(-radius, radius + 1)
    disk = (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.uint8)
    canvas = np.pad(classes, radius, constant_values=outside)
    edge = cv2.dilate(canvas, disk) != cv2.erode(canvas, disk)
    return edge[None, radius:-radius, radius:-radius].astype(np.uint8)
