"""A COCO file as label maps, one for each picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segwright.convert.classes import write_class_names
from segwright.convert.coco_masks import coco_library
from segwright.convert.coco_read import Categories, Crowd, Picture, paint_labels, paint_stack
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import default_palette, join_maps, output_paths, write_label_map


@dataclass(frozen=True)
class CocoJob:
    """A picture with its annotations, and the label map to write."""

    picture: Picture
    path: Path

    @property
    def source(self) -> Path:
        """The picture's name, for messages."""
        return Path(self.picture.name)

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map."""
        return (self.path,)


def convert_coco(
    pictures: Sequence[Picture],
    categories: Categories,
    out: Path,
    *,
    multilabel: bool = False,
    crowd: Crowd = "paint",
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write label maps below ``out`` as the file names the pictures, and ``out/class_names.txt``.

    Raises:
        DataError: there are no pictures or, with several labels, no classes; or label maps of other classes are there.
        MissingExtraError: pycocotools is not installed.
    """
    if not pictures:
        raise DataError("the file lists no pictures")
    coco_library()
    foreground = [number for number in range(len(categories.names)) if number != categories.unlabelled]
    if multilabel and not foreground:
        raise DataError("there is no category but the background, so that there are no maps of several labels to make")
    names = categories.names
    write_class_names(out, [names[number] for number in foreground] if multilabel else names, overwrite=overwrite)
    places = output_paths([out / picture.name for picture in pictures], out, ".png")
    jobs = [CocoJob(picture, out / place) for picture, place in zip(pictures, places, strict=True)]
    work = partial(_write, categories, foreground if multilabel else None, crowd)
    return convert_files(jobs, work, num_workers=num_workers, overwrite=overwrite)


def _write(categories: Categories, foreground: list[int] | None, crowd: Crowd, job: CocoJob) -> Path:
    if foreground is None:
        label, palette = paint_labels(job.picture, categories, crowd=crowd), default_palette(len(categories.names))
    else:
        label, palette = join_maps(paint_stack(job.picture, categories, foreground, crowd=crowd)), default_palette(2)
    write_label_map(job.path, label, palette)
    return job.path
