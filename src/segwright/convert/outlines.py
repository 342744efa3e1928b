"""Outlines of the regions of a class, exact to the pixel, and the COCO file that holds them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

Ring = np.ndarray
"""(P, 2) float32 points (x, y) in pixels; (0, 0) is the outer corner of the top left pixel, (1, 1) its inner one."""


class Region(NamedTuple):
    """A connected part of a class: number of the class, outline, area in pixels."""

    class_id: int
    outline: Ring
    area: int


def regions(mask: np.ndarray, class_id: int, simplify: float = 0.0) -> Iterator[Region]:
    """The connected parts of a class, each with one outline that goes around the pixels, not through their middles.

    A hole is joined to the outline by a cut without width, there and back, because neither format knows holes. Drawn by
    the even-odd rule at the middles of the pixels, the outlines give the mask back exactly.

    Args:
        mask: (H, W) bool or of 0 and 1.
        class_id: is noted.
        simplify: points that are no further than so many pixels from the line without them are left out (Douglas and
            Peucker, 1973), unless nothing but a line would remain. 0 leaves out none but those on straight lines.
    """
    # Contours run through the middles of pixels. At twice the size a middle lies a quarter pixel from the edge, which
    # halving and rounding reaches exactly, at hollow corners too.
    twice = cv2.resize(mask.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    contours, hierarchy = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [_corners((contour[:, 0] + 1) // 2) for contour in contours]
    for number, ring in enumerate(rings):
        child, parent = hierarchy[0, number, 2:]
        if parent >= 0:
            continue
        holes = []
        while child >= 0:
            holes.append(rings[child])
            child = hierarchy[0, child, 0]
        area = round(abs(_area(ring)) - sum(abs(_area(hole)) for hole in holes))
        outline = ring.astype(np.float32)
        for hole in sorted(holes, key=lambda hole: hole[:, 0].min()):
            outline = _joined(outline, hole.astype(np.float32))
        simpler = cv2.approxPolyDP(outline[:, None], simplify, closed=True)[:, 0] if simplify else outline
        yield Region(class_id, simpler if len(simpler) > 2 else outline, area)


def coco_annotation(region: Region) -> dict[str, Any]:
    """A region as COCO's "annotations" hold it, without the numbers that make it part of a file."""
    (left, top), (right, bottom) = region.outline.min(axis=0).tolist(), region.outline.max(axis=0).tolist()
    return {
        "category_id": region.class_id,
        "segmentation": [region.outline.flatten().tolist()],
        "area": region.area,
        "bbox": [left, top, right - left, bottom - top],
        "iscrowd": 0,
    }


def coco(pictures: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> dict[str, Any]:
    """A COCO file (Lin et al., 2014, https://arxiv.org/abs/1405.0312) of instances; category numbers are class ids.

    Args:
        pictures: each with ``file_name``, ``width``, ``height`` and ``annotations`` as ``coco_annotation`` makes them.
        class_names: one for each class.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        images.append({"id": number, **{key: picture[key] for key in ("file_name", "width", "height")}})
        for annotation in picture["annotations"]:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **annotation})
    categories = [{"id": number, "name": name} for number, name in enumerate(class_names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _corners(ring: np.ndarray) -> np.ndarray:
    """The ring without points that repeat or lie on a straight line; (P, 2) whole numbers."""
    ring = ring[(ring != np.roll(ring, 1, axis=0)).any(axis=1)]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    return ring[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]


def _area(ring: np.ndarray) -> float:
    """Area by the shoelace formula; its sign is the ring's sense."""
    x, y = ring.astype(np.float64).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _joined(outline: Ring, hole: Ring) -> Ring:
    """One ring of an outline and a hole: from the hole's leftmost edge straight left to the outline, and back.

    Holes come by their leftmost points, so whatever lies further left is part of the outline already.
    """
    starts, ends = hole, np.roll(hole, -1, axis=0)
    is_left = (starts[:, 0] == hole[:, 0].min()) & (starts[:, 0] == ends[:, 0])
    edge = int(is_left.argmax())
    x, y = hole[edge, 0], min(starts[edge, 1], ends[edge, 1]) + 0.5
    starts, ends = outline, np.roll(outline, -1, axis=0)
    spans = (np.minimum(starts[:, 1], ends[:, 1]) < y) & (y < np.maximum(starts[:, 1], ends[:, 1]))
    place = int(np.where(spans & (starts[:, 0] < x), starts[:, 0], -1).argmax())
    near, far = np.array([[outline[place, 0], y]], np.float32), np.array([[x, y]], np.float32)
    around = np.roll(hole, -edge - 1, axis=0)
    return np.concatenate([outline[: place + 1], near, far, around, far, near, outline[place + 1 :]])
