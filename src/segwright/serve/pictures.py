"""From the bytes that a client sends to a picture, and from a label map to what it gets back."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from segwright.convert.outlines import regions
from segwright.errors import DataError
from segwright.images import Colour, Palette, encode_image, overlay, read_image
from segwright.images.decode import opened
from segwright.serve.problems import Refused

MAX_SCANS = 100  # of a JPEG; encoders write about ten, and each costs as much time as a picture
MAX_OUTLINE_WORK = 1_000_000_000  # areas times edges between pixels: some seconds

CONTENT_TYPES = {"png": "image/png", "overlay": "image/jpeg", "json": "application/json"}


class Incoming(Protocol):
    """A picture that a client has sent.

    Attributes:
        pixels: how many it has.
    """

    pixels: int

    def decoded(self) -> np.ndarray:
        """(H, W, 3) uint8, RGB."""
        ...


class EncodedPicture:
    """A picture's file, of which only the header is read at first.

    Args:
        content: the file.
        max_pixels: larger pictures are refused.
        bit_depth: as in ``read_image``.
        field: of the request, for messages.

    Attributes:
        pixels: how many it has.

    Raises:
        Refused: 400 without content, 413 with too many pixels, 415 if it is no picture.
    """

    def __init__(self, content: bytes, *, max_pixels: int, bit_depth: int | None = None, field: str) -> None:
        self._content, self._max_pixels, self._bit_depth, self._field = content, max_pixels, bit_depth, field
        if not content:
            raise Refused(400, f"{field} is empty", field=field)
        try:
            with opened(content) as file:
                width, height = file.image.size
                kind = file.kind
        except DataError as error:
            raise Refused(415, str(error), field=field) from error
        self.pixels = width * height
        if self.pixels > max_pixels:
            told = f"the picture has {width}x{height} pixels, and the limit is {max_pixels}: make it smaller"
            raise Refused(413, told, field=field)
        if kind == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
            raise Refused(415, f"the JPEG has more than {MAX_SCANS} scans: save it again", field=field)

    def decoded(self) -> np.ndarray:
        """(H, W, 3) uint8, RGB, upright.

        Raises:
            Refused: 415 if it is damaged.
        """
        try:
            return read_image(self._content, bit_depth=self._bit_depth, max_pixels=self._max_pixels)
        except DataError as error:
            raise Refused(415, str(error), field=self._field) from error


class PlainPixels:
    """A picture that came as the pixels themselves: (H, W, 3) uint8, RGB."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self.pixels = array, array.shape[0] * array.shape[1]

    def decoded(self) -> np.ndarray:
        """It."""
        return self._array


def from_base64(text: str, *, field: str) -> bytes:
    """The bytes of base64 text, also of a ``data:`` URL.

    Raises:
        Refused: 400 for anything else.
    """
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise Refused(400, f"{field} is a data: URL without ';base64,'", field=field)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"{field} is not base64: {error}", field=field) from error


def to_overlay(picture: np.ndarray, label: np.ndarray, palette: Palette) -> bytes:
    """The picture with the classes' colours over it, as JPEG."""
    return encode_image(overlay(picture, label, palette), ".jpg")


def describe(label: np.ndarray, palette: Palette, names: Sequence[str]) -> list[dict[str, Any]]:
    """The classes of a label map: how many pixels each has, and its outlines, which follow the pixels' edges.

    A hole is joined to its outline by a cut without width, as ``segwright predict --outputs coco`` does it.

    Raises:
        Refused: 413 if outlines would take too long.
    """
    areas, edges = _detail(label)
    if areas * edges > MAX_OUTLINE_WORK:
        raise Refused(413, f"the label map has {areas} areas, too many for outlines: ask for output=png")
    counts = np.bincount(label.ravel(), minlength=len(palette))
    return [
        {
            "id": number,
            "name": names[number],
            "color": hex_colour(palette[number]),
            "pixels": int(counts[number]),
            "share": round(float(counts[number] / label.size), 6),
            "polygons": [region.outline.tolist() for region in regions(label == number, number)],
        }
        for number in np.flatnonzero(counts).tolist()
    ]


def _detail(label: np.ndarray) -> tuple[int, int]:
    """How many connected areas a label map has, and how many edges between pixels lie on their borders."""
    masks = ((label == number).astype(np.uint8) for number in np.unique(label))
    areas = sum(cv2.connectedComponents(mask, connectivity=4)[0] - 1 for mask in masks)
    edges = np.count_nonzero(label[1:] != label[:-1]) + np.count_nonzero(label[:, 1:] != label[:, :-1])
    return areas, int(edges)


def hex_colour(colour: Colour) -> str:
    """As in a style sheet: ``#804080``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
