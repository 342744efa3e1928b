"""An evaluation as one HTML file that needs nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.report.bars import distribution_chart, reliability_chart
from segwright.report.confusions import Confusion, Confusions
from segwright.report.evaluation_data import EvaluationData
from segwright.report.layers import LayeredCrop, layered_crop, layered_picture
from segwright.report.pictures import DIFFERENCE_COLOUR
from segwright.report.templates import environment, write_page

NUM_CONFUSIONS = 8  # shown of each kind: most pixels, largest share of a class


@dataclass(frozen=True)
class ClassRow:
    """A row of the table of classes."""

    name: str
    colour: tuple[int, int, int]
    share: float
    scores: list[float | None]
    taken_for: Confusion | None


@dataclass(frozen=True)
class ConfusedPair:
    """A confusion with places where it happens."""

    confusion: Confusion
    crops: list[LayeredCrop]


def write_evaluation(path: Path, data: EvaluationData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    environment()  # tells that Jinja2 is missing before pictures are read
    confusions = Confusions(data.counts, data.ignore_index)
    worst = [layered_picture(shown, data) for shown in data.worst]
    best = [layered_picture(shown, data) for shown in data.best]
    per_picture = [data.per_image.scores(number) for number in range(len(data.names))]
    write_page(
        path,
        "evaluation.html",
        styles=("page.css", "evaluation.css"),
        script="evaluation.js",
        data=data,
        classes=_class_rows(data, confusions),
        distribution=distribution_chart([scores["mIoU"] for scores in per_picture]),
        reliability=reliability_chart(data.calibration),
        galleries=[(title, pictures) for title, pictures in (("Worst", worst), ("Best", best)) if pictures],
        pairs=[
            ConfusedPair(found, [layered_crop(crop) for crop in data.crops(found.true, found.predicted)])
            for found in shown_confusions(confusions)
        ],
        values=_values(data, confusions, per_picture, shown=[picture.number for picture in worst + best]),
        difference_colour=DIFFERENCE_COLOUR,
    )


def shown_confusions(confusions: Confusions) -> list[Confusion]:
    """Those with places to look at: with the most pixels, and the costliest for their class; most pixels first."""
    chosen = {*confusions.largest(NUM_CONFUSIONS), *confusions.costliest(NUM_CONFUSIONS)}
    return sorted(chosen, key=lambda found: (-found.pixels, found.true, found.predicted))


def _class_rows(data: EvaluationData, confusions: Confusions) -> list[ClassRow]:
    pixels = confusions.judged.sum(axis=1)
    total = max(1, int(pixels.sum()))
    columns = zip(*data.class_scores.values(), strict=True)
    return [
        ClassRow(name, colour, int(area) / total, list(scores), confusions.commonest_of(index))
        for index, (name, colour, area, scores) in enumerate(
            zip(data.class_names, data.palette, pixels, columns, strict=True)
        )
    ]


def _values(
    data: EvaluationData, confusions: Confusions, per_picture: list[dict[str, Any]], shown: list[int]
) -> dict[str, Any]:
    """What the page's script draws and searches."""
    return {
        "classes": list(data.class_names),
        "counts": confusions.judged.tolist(),
        "pictures": [
            {
                "name": name,
                "score": scores["mIoU"],
                "accuracy": scores["Acc"],
                "classes": {index: round(iou, 4) for index, iou in enumerate(scores["class_iou"]) if iou is not None},
            }
            for name, scores in zip(data.names, per_picture, strict=True)
        ],
        "shown": shown,
    }
