"""Cityscapes' polygons (Cordts et al., 2016, https://arxiv.org/abs/1604.01685) as label maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from segwright.convert.json_file import read_json
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import Palette, write_label_map

Encoding = Literal["trainIds", "ids"]

# id of each of the data set's labels, in its own order from 0, and which of the 19 classes it is
LABELS: tuple[tuple[str, int], ...] = (
    *(("unlabeled", 255), ("ego vehicle", 255), ("rectification border", 255), ("out of roi", 255), ("static", 255)),
    *(("dynamic", 255), ("ground", 255), ("road", 0), ("sidewalk", 1), ("parking", 255), ("rail track", 255)),
    *(("building", 2), ("wall", 3), ("fence", 4), ("guard rail", 255), ("bridge", 255), ("tunnel", 255), ("pole", 5)),
    *(("polegroup", 255), ("traffic light", 6), ("traffic sign", 7), ("vegetation", 8), ("terrain", 9), ("sky", 10)),
    *(("person", 11), ("rider", 12), ("car", 13), ("truck", 14), ("bus", 15), ("caravan", 255), ("trailer", 255)),
    *(("train", 16), ("motorcycle", 17), ("bicycle", 18)),
)
NOT_DRAWN = "license plate"
IDS = {name: number for number, (name, _) in enumerate(LABELS)}
TRAIN_IDS = dict(LABELS)
SUFFIXES: dict[Encoding, str] = {"trainIds": "labelTrainIds", "ids": "labelIds"}


@dataclass(frozen=True)
class CityscapesJob:
    """A file of polygons, and the label map to write beside it."""

    source: Path
    path: Path

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map."""
        return (self.path,)


def convert_cityscapes(
    root: Path,
    palette: Palette,
    *,
    encoding: Encoding = "trainIds",
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write ``*_gtFine_labelTrainIds.png`` beside each ``*_gtFine_polygons.json``, and gtCoarse alike.

    Args:
        root: folder with gtFine/ or gtCoarse/.
        palette: of the label maps.
        encoding: the 19 classes and 255, or the data set's own 34 ids.
        num_workers: processes.
        overwrite: replace label maps that are there.

    Raises:
        DataError: there are no polygons.
    """
    files = sorted(file for folder in ("gtFine", "gtCoarse") for file in (root / folder).glob("*/*/*_polygons.json"))
    if not files:
        raise DataError(
            f"no polygons in {root}; want cityscapes/ with gtFine/{{train,val,test}}/CITY/*_gtFine_polygons.json"
        )
    ending = SUFFIXES[encoding] + ".png"
    jobs = [CityscapesJob(file, file.with_name(file.name.removesuffix("polygons.json") + ending)) for file in files]
    return convert_files(jobs, partial(_convert, encoding, palette), num_workers=num_workers, overwrite=overwrite)


def paint_polygons(content: Any, encoding: Encoding, where: str) -> np.ndarray:
    """(H, W) uint8 of a file's objects, each over those before it, drawn as cityscapesscripts draws them.

    Raises:
        DataError: it is no file of Cityscapes' polygons, or a label is none of its labels.
    """
    try:
        size = (int(content["imgWidth"]), int(content["imgHeight"]))
        objects = [
            (str(item["label"]), [(float(x), float(y)) for x, y in item["polygon"]])
            for item in content["objects"]
            if not item.get("deleted")
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where} is no file of Cityscapes' polygons: imgWidth, imgHeight or objects with label and polygon are "
            f"missing or wrong ({error})"
        ) from error
    ids = TRAIN_IDS if encoding == "trainIds" else IDS
    canvas = Image.new("L", size, ids["unlabeled"])
    draw = ImageDraw.Draw(canvas)
    for name, points in objects:
        if name not in ids:
            name = name.removesuffix("group")  # several of a kind that could not be told apart
        if name == NOT_DRAWN:
            continue
        if name not in ids:
            raise DataError(f"{where}: '{name}' is no label of Cityscapes; correct it in the file")
        if len(points) < 2:
            raise DataError(f"{where}: an object '{name}' has {len(points)} points; delete it or draw it again")
        draw.polygon(points, fill=ids[name])
    return np.array(canvas)


def _convert(encoding: Encoding, palette: Sequence[Any], job: CityscapesJob) -> Path:
    write_label_map(job.path, paint_polygons(read_json(job.source), encoding, str(job.source)), palette)
    return job.path
