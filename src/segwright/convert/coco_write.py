"""Label maps as a COCO file."""

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from segwright import atomic
from segwright.convert.classes import IGNORE_INDEX, IGNORED
from segwright.convert.coco_masks import Pixels, coco_library, encode_runs
from segwright.convert.labelme_write import name_of
from segwright.convert.outlines import coco, coco_annotation, regions
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import read_label

Kind = Literal["polygons", "rle"]


@dataclass(frozen=True)
class ToCoco:
    """A label map, and how the file names its picture."""

    source: Path
    file_name: str

    @property
    def results(self) -> tuple[Path, ...]:
        """None of its own: all label maps become one file."""
        return ()


def write_coco(
    pairs: Sequence[tuple[Path, Path]],
    path: Path,
    root: Path,
    names: Sequence[str],
    *,
    kind: Kind = "polygons",
    hidden: Container[int] = (),
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[dict[str, Any]]:
    """Write one COCO file of all pictures whose label maps can be read; category numbers are class ids.

    Args:
        pairs: picture and label map.
        path: the file to write.
        root: folder that ``file_name`` of the pictures is relative to.
        names: one for each class; 255, unless it is one, becomes a category ``__ignore__``.
        kind: "polygons": one annotation for each connected part, exact, with holes cut open; "rle": one for each class
            of a picture, compressed run lengths.
        hidden: classes that are left out, like the background.
        num_workers: processes.
        overwrite: replace ``path``.

    Raises:
        DataError: ``path`` is there already, or a picture lies outside of ``root``.
        MissingExtraError: for run lengths, pycocotools is not installed.
    """
    if path.exists() and not overwrite:
        raise DataError(f"{path} is there already; give another name, or --overwrite")
    if kind == "rle":
        coco_library()
    jobs = [ToCoco(label, _relative(image, root)) for image, label in pairs]
    work = partial(_picture, tuple(names), kind, hidden)
    report = convert_files(jobs, work, num_workers=num_workers, title="outlines")
    if report.done:
        content = coco(report.done, names)
        if any(a["category_id"] == IGNORE_INDEX for a in content["annotations"]) and len(names) <= IGNORE_INDEX:
            content["categories"].append({"id": IGNORE_INDEX, "name": IGNORED})
        atomic.write_text(path, json.dumps(content, ensure_ascii=False))
    return report


def _relative(image: Path, root: Path) -> str:
    try:
        return image.absolute().relative_to(root.absolute()).as_posix()
    except ValueError as error:
        raise DataError(
            f"{image} does not lie in {root}, so that the file could not name it; give --dataset_root"
        ) from error


def _picture(names: tuple[str, ...], kind: Kind, hidden: Container[int], job: ToCoco) -> dict[str, Any]:
    label = read_label(job.source)
    annotate = _polygons if kind == "polygons" else _runs
    annotations: list[dict[str, Any]] = []
    for class_id in np.unique(label).tolist():
        if class_id not in hidden:
            name_of(class_id, names)  # raises if there is no such class
            annotations += annotate(label == class_id, class_id)
    height, width = label.shape
    return {"file_name": job.file_name, "width": width, "height": height, "annotations": annotations}


def _polygons(mask: np.ndarray, class_id: int) -> Iterator[dict[str, Any]]:
    return map(coco_annotation, regions(mask, class_id))


def _runs(mask: np.ndarray, class_id: int) -> Iterator[dict[str, Any]]:
    top, left, inner = Pixels.of(mask)
    height, width = inner.shape
    yield {
        "category_id": class_id,
        "segmentation": encode_runs(mask),
        "area": int(inner.sum()),
        "bbox": [left, top, width, height],
        "iscrowd": 0,
    }
