"""COCO's segmentations (Lin et al., 2014, https://arxiv.org/abs/1405.0312): polygons and run lengths, both ways.

Pixels are those of COCO's own library: (0, 0) is the outer corner of the first pixel, whose middle is (0.5, 0.5).
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from segwright.errors import DataError, MissingExtraError
from segwright.types import Size

if TYPE_CHECKING:
    from types import ModuleType

MARGIN = 4  # times the picture's longer side: polygons further out are damaged, and COCO's library would never end


def coco_library() -> "ModuleType":
    """``pycocotools.mask``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise MissingExtraError("COCO's polygons and run lengths", "annotations") from error
    return mask


class Pixels(NamedTuple):
    """Some of a picture's pixels: a mask of a part of it, for most annotations are small.

    Attributes:
        top: row of the mask's first row.
        left: column of its first column.
        mask: (h, w) bool.
    """

    top: int
    left: int
    mask: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> "Pixels":
        """Of an (H, W) bool mask of the whole picture; what is empty around it takes no memory."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return NOTHING
        top, left = int(rows[0]), int(columns[0])
        return cls(top, left, mask[top : rows[-1] + 1, left : columns[-1] + 1].copy())

    def fill(self, array: np.ndarray, value: int) -> None:
        """Write a value into an (H, W) array of the picture's size."""
        height, width = self.mask.shape
        array[self.top : self.top + height, self.left : self.left + width][self.mask] = value


NOTHING = Pixels(0, 0, np.zeros((0, 0), bool))


def decode_segmentation(segmentation: object, size: Size, where: str) -> Pixels:
    """The pixels of an annotation.

    Args:
        segmentation: a list of polygons ``[x, y, x, y, ...]``, or run lengths ``{"size": [h, w], "counts": ...}`` with
            ``counts`` a list (uncompressed) or text (compressed).
        size: of the picture.
        where: for messages.

    Raises:
        DataError: it is none of these, damaged, or of another size.
        MissingExtraError: for polygons, pycocotools is not installed.
    """
    if isinstance(segmentation, dict):
        return Pixels.of(_decode_runs(segmentation, size, where))
    if isinstance(segmentation, list) and segmentation:
        return _decode_polygons(segmentation, size, where)
    raise DataError(f"{where}: its segmentation is neither polygons nor run lengths, but {str(segmentation)[:40]!r}")


def encode_runs(mask: np.ndarray) -> dict[str, Any]:
    """Compressed run lengths of an (H, W) mask of 0 and 1, as JSON takes them."""
    runs = coco_library().encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in runs["size"]], "counts": runs["counts"].decode("ascii")}


def _decode_runs(runs: dict[str, Any], size: Size, where: str) -> np.ndarray:
    """Lengths of runs of 0, 1, 0, 1 ... down the columns, from left to right."""
    counts, stated = runs.get("counts"), runs.get("size")
    if stated != [size.height, size.width]:
        raise DataError(f"{where}: run lengths of size {stated} (height, width), but the picture is {size}")
    if isinstance(counts, str):
        counts = _inflate(counts, where)
    if not isinstance(counts, list) or not all(isinstance(count, int) and count >= 0 for count in counts):
        raise DataError(f"{where}: the counts of its run lengths are no whole numbers from 0 on")
    if sum(counts) != size.height * size.width:
        raise DataError(f"{where}: its run lengths do not add up to the {size} pixels of the picture")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(size.width, size.height).T


def _inflate(text: str, where: str) -> list[int]:
    """Counts from text: 5 bits a character, lowest first, a sixth for "more follows", the sign in the last one's.

    From the fourth on, a number is the difference to the last but one. pycocotools decodes it too, but takes text that
    was cut off for a mask that ends in zeros.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise DataError(f"{where}: its compressed run lengths are damaged near character {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise DataError(f"{where}: its compressed run lengths are cut off")
    return counts


def _decode_polygons(polygons: list[Any], size: Size, where: str) -> Pixels:
    if all(isinstance(value, int | float) for value in polygons):
        polygons = [polygons]  # one polygon without the brackets around it
    points = [_checked(polygon, size, where) for polygon in polygons]
    every = np.concatenate(points)
    # polygons are drawn in their own box: moved by whole pixels, they cover the same ones
    left, top = (max(0, int(low) - 1) for low in np.floor(every.min(axis=0)))
    right, bottom = (int(high) + 1 for high in np.ceil(every.max(axis=0)))
    height, width = min(bottom, size.height) - top, min(right, size.width) - left
    if height < 1 or width < 1:
        return NOTHING
    library = coco_library()
    runs = library.frPyObjects([(polygon - (left, top)).ravel().tolist() for polygon in points], height, width)
    return Pixels(top, left, library.decode(library.merge(runs)).astype(bool))


def _checked(polygon: object, size: Size, where: str) -> np.ndarray:
    """(P, 2) float64 of a polygon."""
    try:
        values = np.array(polygon, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 1 or len(values) < 6 or len(values) % 2:
        raise DataError(f"{where}: a polygon has at least 3 points x, y, this one is {str(polygon)[:60]}")
    if not (np.abs(values) < MARGIN * max(size) + 100).all():  # NaN is not, either
        raise DataError(f"{where}: a polygon has points far outside of the picture, which is {size}")
    return values.reshape(-1, 2)
