"""PASCAL Context (Mottaghi et al., 2014, https://doi.org/10.1109/CVPR.2014.119) from either of its published forms."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from segwright import atomic
from segwright.convert.coco_masks import decode_segmentation
from segwright.convert.json_file import read_json
from segwright.convert.mat_file import read_mat_map, require_scipy
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import default_palette, write_label_map
from segwright.images.listing import text_lines
from segwright.types import Size

MERGED = "trainval_merged.json"
NUM_LABELS = 460  # the data set's own, 0 for none
# The 59 most frequent labels, in the order of their numbers; entry i is class i + 1.
FREQUENT = (
    *(2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115, 144, 158, 159),
    *(162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349, 354, 355, 360, 366, 368),
    *(397, 415, 416, 420, 424, 427, 440, 445, 454, 458),
)
Background = Literal["class", "ignore"]


@dataclass(frozen=True)
class ContextJob:
    """A picture's annotation, and the label map to write.

    Attributes:
        source: the .mat file, or the picture's name in the JSON.
        path: the label map.
        parts: label and run lengths, from the JSON.
        size: of the picture, from the JSON.
    """

    source: Path
    path: Path
    parts: tuple[tuple[int, Any], ...] = field(default=(), repr=False)
    size: Size | None = None

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map."""
        return (self.path,)


def convert_context(
    voc: Path,
    annotations: Path,
    *,
    background: Background = "class",
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write ``Context/*.png`` and ``ImageSets/Segmentation/{train,val,trainval}_context.txt``.

    Args:
        voc: VOC2010.
        annotations: ``trainval_merged.json``, the folder it lies in, or the folder of the original .mat files, which
            hold 459 labels; the lists then are VOC 2010's own train.txt and val.txt of ``ImageSets/Main``.
        background: what none of the 59 classes is: class 0 before them, or not counted (255) with the classes from 0,
            as PaddleSeg's tool writes.
        num_workers: processes.
        overwrite: replace label maps that are there.

    Raises:
        DataError: files are missing or damaged.
        MissingExtraError: for .mat files, scipy is not installed.
    """
    out = voc / "Context"
    merged = annotations / MERGED if annotations.is_dir() else annotations
    if merged.is_file():
        phases, jobs = _from_merged(merged, out)
    else:
        require_scipy()
        phases, jobs = _from_mats(voc, annotations, out)
    report = convert_files(jobs, partial(_convert, _table(background)), num_workers=num_workers, overwrite=overwrite)
    whole = {job.path.stem for job in jobs if job.path.exists()}
    lists = {**phases, "trainval": sorted({name for names in phases.values() for name in names})}
    for phase, names in lists.items():
        path = voc / "ImageSets" / "Segmentation" / f"{phase}_context.txt"
        atomic.write_text(path, "".join(f"{name}\n" for name in names if name in whole))
    return report


def _table(background: Background) -> np.ndarray:
    """Class by label."""
    table = np.full(NUM_LABELS, 0 if background == "class" else 255, np.uint8)
    first = 1 if background == "class" else 0
    table[list(FREQUENT)] = np.arange(first, first + len(FREQUENT))
    return table


def _from_merged(path: Path, out: Path) -> tuple[dict[str, list[str]], list[ContextJob]]:
    content = read_json(path)
    try:
        parts: dict[Any, list[tuple[int, Any]]] = defaultdict(list)
        for annotation in content["annos_segmentation"]:
            parts[annotation["image_id"]].append((int(annotation["category_id"]), annotation["segmentation"]))
        phases: dict[str, list[str]] = {"train": [], "val": []}
        jobs = []
        for image in content["images"]:
            if image["phase"] in phases:
                name = PurePosixPath(image["file_name"]).stem
                phases[image["phase"]].append(name)
                size = Size(height=int(image["height"]), width=int(image["width"]))
                found = tuple(parts.get(image["image_id"], ()))
                jobs.append(ContextJob(Path(image["file_name"]), out / f"{name}.png", found, size))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not trainval_merged.json of PASCAL Context: {type(error).__name__} {error}; fetch it again"
        ) from error
    return phases, jobs


def _from_mats(voc: Path, folder: Path, out: Path) -> tuple[dict[str, list[str]], list[ContextJob]]:
    files = {path.stem: path for path in sorted(folder.glob("*.mat"))}
    if not files:
        raise DataError(f"{folder} holds neither {MERGED} nor .mat files of PASCAL Context")
    phases = {}
    for phase in ("train", "val"):
        path = voc / "ImageSets" / "Main" / f"{phase}.txt"
        if not path.is_file():
            raise DataError(f"{path} is missing: with .mat files, VOC 2010's own lists tell training from validation")
        phases[phase] = [name for _, name in text_lines(path) if name in files]
    return phases, [ContextJob(path, out / f"{name}.png") for name, path in files.items()]


def _convert(table: np.ndarray, job: ContextJob) -> Path:
    if job.size is None:
        labels = read_mat_map(job.source, "LabelMap")
    else:
        labels = np.zeros(job.size, np.int64)
        for number, runs in job.parts:
            decode_segmentation(runs, job.size, str(job.source)).fill(labels, number)
    _check_labels(labels, job.source)
    write_label_map(job.path, table[labels], default_palette(len(FREQUENT) + 1))
    return job.path


def _check_labels(labels: np.ndarray, source: Path) -> None:
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= NUM_LABELS:
        raise DataError(f"{source} holds labels {lowest} to {highest}, but PASCAL Context has 0 to {NUM_LABELS - 1}")
