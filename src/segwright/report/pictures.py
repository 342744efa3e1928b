"""The panels of the gallery, as data URIs: picture, truth, prediction, and where these two differ."""

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segwright.errors import DataError
from segwright.images import Colour, read_image, read_label
from segwright.report.data import GalleryRow
from segwright.types import Size

DIFFERENCE_COLOUR: Colour = (255, 43, 136)
_MAX_SIDE = 640
_TINT = 0.45


@dataclass(frozen=True)
class Panel:
    """One picture of a row; ``source`` is a data URI, ``alt`` says what is to be seen."""

    label: str
    source: str
    alt: str


def panels(row: GalleryRow, colours: list[Colour], ignore_index: int) -> list[Panel]:
    """Picture, truth, prediction and difference of one row.

    Raises:
        DataError: a file cannot be read, or the sizes differ.
    """
    image = read_image(row.image)
    truth, prediction = read_label(row.truth), read_label(row.prediction)
    for path, label in ((row.truth, truth), (row.prediction, prediction)):
        if label.shape != image.shape[:2]:
            raise DataError(f"{path} is {Size.of(label)}, its picture {row.image} is {Size.of(image)}")
    valid = truth != ignore_index
    wrong = valid & (truth != prediction)
    share = wrong.sum() / max(1, valid.sum())
    name = Path(row.image).name
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) * 0.6
    return [
        Panel("Picture", _data_uri(image), name),
        Panel("Truth", _data_uri(_tinted(image, truth, colours)), f"{name} with its true classes in colour"),
        Panel(
            "Prediction", _data_uri(_tinted(image, prediction, colours)), f"{name} with the predicted classes in colour"
        ),
        Panel(
            f"Difference: {share:.2%}",
            _data_uri(_blend(grey, wrong, DIFFERENCE_COLOUR, 1.0)),
            f"{name} in grey with the {wrong.sum()} pixels marked whose prediction is wrong",
        ),
    ]


def _tinted(image: np.ndarray, label: np.ndarray, colours: list[Colour]) -> np.ndarray:
    """The image with every class but the first tinted and outlined in its colour; ids without one stay as they are."""
    picture = image.astype(np.float32)
    for class_id, colour in list(enumerate(colours))[1:]:
        region = label == class_id
        inner = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        picture = _blend(picture, inner, colour, _TINT)
        picture = _blend(picture, region & ~inner, colour, 1.0)
    return picture


def _blend(picture: np.ndarray, region: np.ndarray, colour: Colour, weight: float) -> np.ndarray:
    """A copy of the (H, W, 3) picture, moved towards ``colour`` where the (H, W) bool region is set."""
    blended = picture.astype(np.float32)
    blended[region] += weight * (np.array(colour, np.float32) - blended[region])
    return blended


def _data_uri(picture: np.ndarray) -> str:
    """JPEG of an RGB picture with values 0..255, no larger than a page can show."""
    pixels = np.clip(picture + 0.5, 0, 255).astype(np.uint8) if picture.dtype != np.uint8 else picture
    return jpeg_uri(shrunk(pixels, _MAX_SIDE), quality=90, full_colour=True)


def shrunk(pixels: np.ndarray, longest_side: int) -> np.ndarray:
    """A uint8 picture whose longer side has no more than so many pixels."""
    factor = longest_side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(length * factor)) for length in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def jpeg_uri(pixels: np.ndarray, *, quality: int, full_colour: bool = False) -> str:
    """Data URI of a JPEG.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        quality: 0..100.
        full_colour: keep colours as finely as brightness, which thin coloured lines need.
    """
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full_colour else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
