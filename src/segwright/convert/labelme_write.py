"""Label maps as labelme files, to be looked at and corrected there; read again, they are the same to the pixel."""

import json
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from segwright import atomic
from segwright.convert.classes import IGNORE_INDEX, IGNORED, write_class_names
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import output_paths, read_label
from segwright.types import Size

LABELME = "5.5.0"  # the version whose layout these files have


Polygon = tuple[str, np.ndarray]
"""Name of the class, and corners (P, 2) as x, y."""


class Outline(NamedTuple):
    """A part of the map, its holes filled: class id, corners (P, 2) in pixels' middles, pixels inside."""

    class_id: int
    points: np.ndarray
    filled: int


def nested_outlines(label: np.ndarray, simplify: float = 0.0) -> list[Outline]:
    """Polygons which, painted one after the other, give the label map back.

    labelme's polygons have no holes, but a later one covers an earlier one. Parts that are connected through edges of
    pixels are either apart or one within a hole of the other; so the larger, holes filled, is painted first, and what
    lies in its holes after it. Corners are middles of pixels and outlines are filled too, as labelme paints them.

    Args:
        label: (H, W) ids.
        simplify: points no further than so many pixels from the line without them are left out (Douglas and Peucker,
            1973), unless nothing but a line would remain. 0 leaves out none but those on straight lines.
    """
    found: list[Outline] = []
    for class_id in np.unique(label).tolist():
        is_class = (label == class_id).astype(np.uint8)
        count, parts, boxes, _ = cv2.connectedComponentsWithStats(is_class, connectivity=4)
        for number in range(1, count):
            left, top, width, height, _ = boxes[number]
            part = (parts[top : top + height, left : left + width] == number).astype(np.uint8)
            contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            filled = cv2.drawContours(np.zeros_like(part), contours, 0, 1, cv2.FILLED)
            points = contours[0]
            simpler = cv2.approxPolyDP(points, simplify, closed=True) if simplify else points
            points = (simpler if len(simpler) > 2 else points)[:, 0] + (left, top)
            if len(points) < 3:  # a pixel or a line of them, as the polygon that labelme wants
                points = np.concatenate([points, points, points])[:3]
            found.append(Outline(class_id, points, int(filled.sum())))
    return sorted(found, key=lambda outline: -outline.filled)


def label_polygons(
    label: np.ndarray, names: Sequence[str], hidden: Container[int] = (0,), simplify: float = 0.0
) -> Iterator[Polygon]:
    """Name and corners of each polygon of a label map, in the order in which they are painted.

    Args:
        label: (H, W) ids; 255, unless it is a class, is called ``__ignore__``.
        names: one for each class.
        hidden: classes drawn only where they lie in a hole of another.
        simplify: as in ``nested_outlines``.

    Raises:
        DataError: the label map holds an id that is no class.
    """
    covered = np.zeros(label.shape, np.uint8)
    for class_id, points, _ in nested_outlines(label, simplify):
        x, y = points[0].tolist()
        if class_id in hidden and not covered[y, x]:
            continue
        cv2.fillPoly(covered, [points.astype(np.int32)], 1)
        yield name_of(class_id, names), points


def labelme_file(polygons: Iterable[Polygon], image: Path, path: Path, size: Size) -> dict[str, Any]:
    """What a labelme file for one picture holds.

    Args:
        polygons: in the order in which they are painted.
        image: the picture.
        path: where the file will be; it names the picture as seen from there.
        size: of the picture.
    """
    shapes = [
        {
            "label": name,
            "points": points.astype(float).tolist(),
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        for name, points in polygons
    ]
    return {
        "version": LABELME,
        "flags": {},
        "shapes": shapes,
        "imagePath": Path(os.path.relpath(image, path.parent)).as_posix(),
        "imageData": None,
        "imageHeight": size.height,
        "imageWidth": size.width,
    }


def name_of(class_id: int, names: Sequence[str]) -> str:
    """The name of a class; 255, unless it is one, is ``__ignore__``.

    Raises:
        DataError: there is no such class.
    """
    if class_id < len(names):
        return names[class_id]
    if class_id == IGNORE_INDEX:
        return IGNORED
    raise DataError(f"id {class_id} is none of the {len(names)} classes 0 to {len(names) - 1}; name it with --classes")


@dataclass(frozen=True)
class ToLabelme:
    """A picture, its label map, and the labelme file to write."""

    image: Path
    source: Path
    path: Path

    @property
    def results(self) -> tuple[Path, ...]:
        """The labelme file."""
        return (self.path,)


def write_labelme(
    pairs: Sequence[tuple[Path, Path]],
    out: Path,
    root: Path,
    names: Sequence[str],
    *,
    hidden: Container[int] = (0,),
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write a labelme file for each picture and label map, below ``out`` as the pictures lie below ``root``.

    ``out/class_names.txt`` keeps the order of the classes. Other arguments are those of ``label_polygons``.
    """
    places = output_paths([image for image, _ in pairs], root, ".json")
    write_class_names(out, names, overwrite=overwrite)
    jobs = [ToLabelme(image, label, out / place) for (image, label), place in zip(pairs, places, strict=True)]
    return convert_files(jobs, partial(_write, tuple(names), hidden), num_workers=num_workers, overwrite=overwrite)


def _write(names: tuple[str, ...], hidden: Container[int], job: ToLabelme) -> Path:
    label = read_label(job.source)
    content = labelme_file(label_polygons(label, names, hidden), job.image, job.path, Size.of(label))
    atomic.write_text(job.path, json.dumps(content, ensure_ascii=False))
    return job.path
