"""What the page about an evaluation is made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from segwright.images import Palette
from segwright.metrics import PerImage
from segwright.metrics.calibration import CalibrationCounts
from segwright.report.data import Tile


@dataclass(frozen=True)
class ShownPicture:
    """A picture to look at: its number in the data set, (H, W, 3) uint8 RGB, and twice (H, W) class ids."""

    number: int
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


@dataclass(frozen=True)
class Crop:
    """A part of a picture, (h, w, 3) uint8 RGB, and (h, w) bool, its pixels that are confused."""

    name: str
    image: np.ndarray
    confused: np.ndarray


def _no_crops(true: int, predicted: int) -> Iterable[Crop]:  # noqa: ARG001
    return ()


@dataclass(frozen=True)
class EvaluationData:
    """The content of the page.

    Attributes:
        title: heading of the page.
        lead: one paragraph under it.
        tiles: the figures to see first.
        cautions: what speaks against the scores.
        conventions: what scores mean where customs differ, by their names.
        class_names: one for each of the C classes.
        palette: colour of each class; the background's is not painted over pictures.
        class_scores: columns of the table of classes: C values 0..1 each, None where undefined.
        counts: int64 (C + 1, C), as in ``ConfusionMatrix``.
        ignore_index: label value that is not judged.
        calibration: how sure the model was where it was right and wrong.
        names: of all pictures, in the order of the data set.
        per_image: what was counted of each of them.
        worst: pictures to look at, worst first. Read once, so it may be a generator.
        best: likewise, best first.
        crops: gives for a true and a predicted class places where they are confused; asked for pairs that are shown.
        config: text of the configuration.
        environment: names and values, such as versions.
    """

    title: str
    class_names: Sequence[str]
    palette: Palette
    class_scores: Mapping[str, Sequence[float | None]]
    counts: np.ndarray
    calibration: CalibrationCounts
    names: Sequence[str]
    per_image: PerImage
    ignore_index: int = 255
    lead: str = ""
    tiles: Sequence[Tile] = ()
    cautions: Sequence[str] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    worst: Iterable[ShownPicture] = ()
    best: Iterable[ShownPicture] = ()
    crops: Callable[[int, int], Iterable[Crop]] = _no_crops
    config: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
