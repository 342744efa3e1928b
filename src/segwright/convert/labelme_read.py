"""labelme's JSON files (https://github.com/wkentaro/labelme) of any version since 3: shapes, size, picture."""

import base64
import binascii
import io
import math
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image

from segwright.convert.json_file import read_json
from segwright.convert.picture_file import picture_facts
from segwright.errors import DataError
from segwright.images import IMAGE_SUFFIXES
from segwright.types import Size

Point = tuple[float, float]

POINTS = {  # of each type of shape: the fewest, the most
    "polygon": (3, None),
    "rectangle": (2, 2),
    "oriented_rectangle": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, None),
    "point": (1, 1),
    "mask": (2, 2),
}
LARGEST = 1e6  # pixels from the corner; beyond lies no picture, and Pillow would take its time


@dataclass(frozen=True)
class Shape:
    """One annotated shape.

    Attributes:
        label: name of its class.
        kind: a key of ``POINTS``.
        points: (x, y) in pixels.
        mask: (h, w) bool, only of kind "mask": the box from the first point to the second, both included.
    """

    label: str
    kind: str
    points: tuple[Point, ...]
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Annotation:
    """A file's content.

    Attributes:
        size: of the picture.
        shapes: in the order in which they are painted.
        picture: content of the picture file; None where there is none.
        suffix: of the picture's format.
    """

    size: Size
    shapes: tuple[Shape, ...]
    picture: bytes | None
    suffix: str


def read_labels(path: Path) -> set[str]:
    """The labels that a file uses, without a look at its shapes and picture.

    Raises:
        DataError: it is no labelme file.
    """
    return {_label(shape, path, number) for number, shape in enumerate(_shapes(_content(path), path))}


def read_labelme(path: Path) -> Annotation:
    """Read and check a file.

    Raises:
        DataError: it is no labelme file, a shape makes no sense, or the size of its picture is unknown or another.
    """
    content = _content(path)
    shapes = tuple(_shape(shape, path, number) for number, shape in enumerate(_shapes(content, path)))
    picture, name = _picture(content, path)
    height, width = content.get("imageHeight"), content.get("imageWidth")
    size = Size(height, width) if isinstance(height, int) and isinstance(width, int) else None
    if picture is None:
        if size is None:
            raise DataError(f"{path}: neither imageHeight and imageWidth nor a picture tell the size; {name}")
        return Annotation(size, shapes, None, "")
    actual, suffix = picture_facts(picture, name)
    if size not in (None, actual):
        raise DataError(
            f"{path} is for a picture of {size}, but {name} is {actual} (width x height); find the right one"
        )
    return Annotation(actual, shapes, picture, suffix)


def _content(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} is no labelme file: it holds no object with 'shapes'")
    return content


def _shapes(content: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    shapes = content.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise DataError(f"{path} is no labelme file: it has no list 'shapes'")
    return shapes


def _label(shape: dict[str, Any], path: Path, number: int) -> str:
    label = shape.get("label")
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{path}: shape {number} has no label; name its class")
    return label.strip()


def _shape(shape: dict[str, Any], path: Path, number: int) -> Shape:
    label = _label(shape, path, number)
    where = f"{path}: shape {number} ('{label}')"
    kind = shape.get("shape_type") or "polygon"  # files before version 3.5 know no other
    if kind not in POINTS:
        raise DataError(f"{where} is of type {kind!r}, which is none of {', '.join(POINTS)}")
    given = shape.get("points")
    if not isinstance(given, list) or not all(_is_point(point) for point in given):
        raise DataError(f"{where}: its points are not pairs of numbers below {LARGEST:g}")
    fewest, most = POINTS[kind]
    if len(given) < fewest or (most is not None and len(given) > most):
        wanted = f"{fewest}" if fewest == most else f"at least {fewest}"
        raise DataError(f"{where}: a {kind} has {wanted} points, this one {len(given)}; draw it again or delete it")
    points = tuple((float(x), float(y)) for x, y in given)
    return Shape(label, kind, points, _mask(shape, points, where) if kind == "mask" else None)


def _is_point(point: object) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(value, int | float) and math.isfinite(value) and abs(value) < LARGEST for value in point)
    )


def _mask(shape: dict[str, Any], points: tuple[Point, ...], where: str) -> np.ndarray:
    """The picture of a mask shape, which labelme stores as a PNG of its box."""
    try:
        with Image.open(io.BytesIO(_decoded(shape.get("mask"))), formats=("PNG",)) as image:
            mask = np.array(image.convert("L")) > 0
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{where}: its mask is no PNG in base64 ({error}); draw it again or delete it") from error
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in points)
    if mask.shape != (bottom - top + 1, right - left + 1):
        raise DataError(f"{where}: its mask is {Size.of(mask)}, its box {right - left + 1}x{bottom - top + 1}")
    return mask


def _picture(content: dict[str, Any], path: Path) -> tuple[bytes | None, str]:
    """Content of the picture, and what to call it; None, and why, where there is none.

    The file is preferred to what the JSON embeds: it is the original.
    """
    named = content.get("imagePath")
    if isinstance(named, str) and named.lower().endswith(IMAGE_SUFFIXES):
        for name in (named, PureWindowsPath(named).as_posix(), PureWindowsPath(named).name):
            file = path.parent / name
            if file.is_file():
                return file.read_bytes(), str(file)
    if content.get("imageData"):
        try:
            return _decoded(content["imageData"]), f"the picture in {path}"
        except ValueError as error:
            raise DataError(f"{path}: imageData is no base64 ({error}); save the file with labelme again") from error
    return None, f"imagePath {named!r} is no picture file beside it, and imageData is empty"


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it is no text")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
