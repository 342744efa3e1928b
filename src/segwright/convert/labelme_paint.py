"""labelme's shapes as label maps, pixel for pixel what labelme's own converters draw."""

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from segwright.convert.classes import IGNORE_INDEX, Classes
from segwright.convert.labelme_read import Annotation, Shape
from segwright.errors import DataError
from segwright.types import Size

LINE_WIDTH, POINT_RADIUS = 10, 5  # labelme's


def paint_labels(
    annotation: Annotation, classes: Classes, *, line_width: int = LINE_WIDTH, point_radius: int = POINT_RADIUS
) -> np.ndarray:
    """One id a pixel: a shape covers those before it.

    Coordinates are those of pixels' middles, rounded as Pillow rounds them, and outlines belong to the shape: labelme
    draws so too.

    Args:
        annotation: of the picture.
        classes: what the labels mean.
        line_width: of lines and line strips, in pixels.
        point_radius: of points, in pixels.

    Returns:
        (H, W) uint8, or int32 where an id does not fit.

    Raises:
        DataError: a label is no class.
    """
    pairs = [(shape, classes.id_of(shape.label)) for shape in annotation.shapes]
    return _paint(annotation.size, pairs, classes.unlabelled, line_width, point_radius)


def paint_stack(
    annotation: Annotation, classes: Classes, *, line_width: int = LINE_WIDTH, point_radius: int = POINT_RADIUS
) -> np.ndarray:
    """A map for each class but the background, so that shapes may overlap; ``__ignore__`` covers all of them.

    Returns:
        (H, W, K) uint8: 1 yes, 0 no, 255 does not count; K as ``classes.foreground``.

    Raises:
        DataError: a label is no class, or there are none but the background.
    """
    if not classes.foreground:
        raise DataError("there is no class but the background, so that there are no maps of several labels to make")
    ids = [classes.id_of(shape.label) for shape in annotation.shapes]

    def one(class_id: int) -> np.ndarray:
        answers = {class_id: 1, IGNORE_INDEX: IGNORE_INDEX}
        pairs = [(shape, answers[i]) for shape, i in zip(annotation.shapes, ids, strict=True) if i in answers]
        return _paint(annotation.size, pairs, 0, line_width, point_radius)

    return np.stack([one(class_id) for class_id in classes.foreground], axis=-1)


def _paint(
    size: Size, shapes: Iterable[tuple[Shape, int]], unlabelled: int, line_width: int, point_radius: int
) -> np.ndarray:
    pairs = list(shapes)
    deep = max((value for _, value in pairs), default=0) > 255
    canvas = Image.new("I" if deep else "L", (size.width, size.height), unlabelled)
    draw = ImageDraw.Draw(canvas)
    for shape, value in pairs:
        _draw(canvas, draw, shape, value, line_width, point_radius)
    return np.array(canvas)


def _draw(
    canvas: Image.Image, draw: ImageDraw.ImageDraw, shape: Shape, value: int, line_width: int, point_radius: int
) -> None:
    points = list(shape.points)
    if shape.kind in ("polygon", "oriented_rectangle"):
        draw.polygon(points, fill=value, outline=value)
    elif shape.kind == "rectangle":
        (x0, y0), (x1, y1) = points
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=value, outline=value)
    elif shape.kind == "circle":
        centre, rim = points
        _disc(draw, centre, math.dist(centre, rim), value)
    elif shape.kind in ("line", "linestrip"):
        draw.line(points, fill=value, width=line_width)
    elif shape.kind == "point":
        _disc(draw, points[0], point_radius, value)
    elif shape.mask is not None:
        left, top = (int(coordinate) for coordinate in points[0])
        canvas.paste(value, (left, top), Image.fromarray(shape.mask.astype(np.uint8) * 255))


def _disc(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, value: int) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value, outline=value)
