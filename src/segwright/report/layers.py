"""A picture once, and maps to lay over it, as data URIs: small, and the page can fade the maps."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from segwright.images import BACKGROUND, Colour, Palette
from segwright.metrics import ConfusionMatrix
from segwright.report.confusions import Confusion, Confusions
from segwright.report.evaluation_data import Crop, EvaluationData, ShownPicture
from segwright.report.pictures import DIFFERENCE_COLOUR, jpeg_uri, shrunk

LONGEST_SIDE = 560  # pixels of a picture in the page
LONGEST_SIDE_OF_CROP = 280
QUALITY = 78
NUM_MISTAKES = 3  # named below a picture
NUM_CLASSES = 12  # in the legend of a picture


@dataclass(frozen=True)
class Layer:
    """A map to lay over a picture; ``source`` is a data URI, ``alt`` says what is to be seen."""

    label: str
    source: str
    alt: str
    kind: str = "classes"


@dataclass(frozen=True)
class LegendEntry:
    """A class in a picture; its IoU there is None where it is not judged."""

    name: str
    colour: Colour
    iou: float | None


@dataclass(frozen=True)
class LayeredPicture:
    """A picture with the layers for its panels.

    Attributes:
        number: in the data set.
        name: of the picture.
        score: its mIoU; None where nothing is judged.
        source: data URI of the picture.
        width: of the embedded picture, in pixels.
        height: likewise.
        layers: truth, prediction and difference.
        legend: the classes in it, largest first.
        mistakes: the commonest ones.
    """

    number: int
    name: str
    score: float | None
    source: str
    width: int
    height: int
    layers: list[Layer]
    legend: list[LegendEntry]
    mistakes: list[Confusion]


@dataclass(frozen=True)
class LayeredCrop:
    """A crop and the layer that marks its confused pixels, as data URIs."""

    name: str
    source: str
    marks: str
    width: int
    height: int


def layered_picture(shown: ShownPicture, data: EvaluationData) -> LayeredPicture:
    """A picture ready for the page."""
    name, scores = data.names[shown.number], data.per_image.scores(shown.number)
    matrix = ConfusionMatrix(len(data.class_names), data.ignore_index)
    matrix.update(shown.prediction, shown.truth)
    image = shrunk(shown.image, LONGEST_SIDE)
    height, width = image.shape[:2]
    truth, prediction = (_nearest(labels, height, width) for labels in (shown.truth, shown.prediction))
    wrong = (truth != prediction) & (truth != data.ignore_index)
    share = "" if scores["Acc"] is None else f": {1 - scores['Acc']:.1%}"
    return LayeredPicture(
        number=shown.number,
        name=name,
        score=scores["mIoU"],
        source=jpeg_uri(image, quality=QUALITY),
        width=width,
        height=height,
        layers=[
            Layer("Truth", _png_uri(truth, data.palette), f"{name} with its true classes in colour"),
            Layer("Prediction", _png_uri(prediction, data.palette), f"{name} with the predicted classes"),
            Layer(
                f"Difference{share}",
                _marks_uri(wrong),
                f"{name} in grey, marked where the prediction is wrong",
                kind="marks",
            ),
        ],
        legend=_legend(data.per_image.areas[shown.number], scores["class_iou"], data),
        mistakes=Confusions(matrix.counts, data.ignore_index).largest(NUM_MISTAKES),
    )


def layered_crop(crop: Crop) -> LayeredCrop:
    """A crop ready for the page."""
    image = shrunk(crop.image, LONGEST_SIDE_OF_CROP)
    height, width = image.shape[:2]
    marks = _marks_uri(_nearest(crop.confused, height, width))
    return LayeredCrop(crop.name, jpeg_uri(image, quality=QUALITY), marks, width, height)


def _legend(areas: np.ndarray, ious: Sequence[float | None], data: EvaluationData) -> list[LegendEntry]:
    size = areas[1] + areas[2]
    largest = np.argsort(-size, kind="stable")[:NUM_CLASSES].tolist()
    return [
        LegendEntry(data.class_names[index], data.palette[index], ious[index]) for index in largest if size[index] > 0
    ]


def _nearest(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map at another size, each pixel from the middle of what it stands for."""
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(int)
    return labels[rows[:, None], columns]


def _marks_uri(marked: np.ndarray) -> str:
    return _png_uri(marked.astype(np.uint8), (BACKGROUND, DIFFERENCE_COLOUR))


def _png_uri(labels: np.ndarray, palette: Palette) -> str:
    """Class ids in colour; ids without a colour, and those of the background's, are transparent."""
    known = (labels >= 0) & (labels < len(palette))
    colours = np.array(palette, np.uint8)[np.where(known, labels, 0)]
    opaque = known & (colours != BACKGROUND).any(axis=2)
    pixels = np.dstack([colours, np.full(labels.shape, 255, np.uint8)]) * opaque[..., None]
    encoded = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(encoded, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")
