"""A folder of labelme files as a data set: pictures, label maps and the names of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segwright import atomic
from segwright.convert.classes import Classes, is_background, write_class_names
from segwright.convert.labelme_paint import LINE_WIDTH, POINT_RADIUS, paint_labels, paint_stack
from segwright.convert.labelme_read import read_labelme, read_labels
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import default_palette, join_maps, write_label_map

IMAGES, LABELS = "images", "annotations"  # the folders' names in PaddleSeg's labelme2seg


@dataclass(frozen=True)
class LabelmeJob:
    """One file.

    Attributes:
        source: labelme's JSON.
        label: the label map to write.
        image: where its picture goes, still without a suffix; None leaves it where it is.
    """

    source: Path
    label: Path
    image: Path | None

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map, which is written last and stands for both."""
        return (self.label,)


@dataclass(frozen=True)
class Painting:
    """How shapes become pixels; see ``paint_labels``."""

    classes: Classes
    multilabel: bool = False
    line_width: int = LINE_WIDTH
    point_radius: int = POINT_RADIUS


def find_labelme(folder: Path) -> list[Path]:
    """All JSON files in a folder and its sub-folders, sorted; hidden ones are left out.

    Raises:
        DataError: there are none.
    """
    files = sorted(
        path
        for path in folder.rglob("*.json")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise DataError(f"no .json in {folder} or its sub-folders; want the folder that labelme saved into")
    return files


def collect_labels(files: Sequence[Path]) -> list[str]:
    """All labels of files that can be read, the background first, the others sorted."""
    found: set[str] = set()
    for path in files:
        try:
            found |= read_labels(path)
        except DataError:
            continue  # is reported with its reason when its turn comes
    return sorted(found, key=lambda name: (not is_background(name), name))


def convert_labelme(
    folder: Path,
    out: Path,
    painting: Painting,
    *,
    copy_images: bool = True,
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write ``out/annotations``, ``out/images`` and ``out/class_names.txt``; sub-folders and names are kept.

    Args:
        folder: with labelme's files.
        out: the data set's folder.
        painting: classes, and how shapes become pixels.
        copy_images: also put the pictures there, unchanged, from files or from the JSON.
        num_workers: processes.
        overwrite: convert what has been converted already, too.

    Raises:
        DataError: there are no files, or what is there already has other classes.
    """
    jobs = [
        LabelmeJob(path, out / LABELS / place.with_suffix(".png"), out / IMAGES / place if copy_images else None)
        for path in find_labelme(folder)
        for place in [path.relative_to(folder)]
    ]
    classes = painting.classes
    numbers = classes.foreground if painting.multilabel else range(len(classes.names))
    write_class_names(out, [classes.names[number] for number in numbers], overwrite=overwrite)
    return convert_files(jobs, partial(_convert, painting, overwrite), num_workers=num_workers, overwrite=overwrite)


def _convert(painting: Painting, overwrite: bool, job: LabelmeJob) -> Path:
    annotation = read_labelme(job.source)
    widths = {"line_width": painting.line_width, "point_radius": painting.point_radius}
    if painting.multilabel:
        label, palette = join_maps(paint_stack(annotation, painting.classes, **widths)), default_palette(2)
    else:
        label = paint_labels(annotation, painting.classes, **widths)
        palette = default_palette(len(painting.classes.names))
    if job.image is not None:
        if annotation.picture is None:
            raise DataError(
                f"{job.source}: its picture is missing (imagePath names no file beside it, imageData is empty); put it "
                "there, or make label maps alone with --copy_images False"
            )
        _write_picture(job.image.with_suffix(annotation.suffix), annotation.picture, job.source, overwrite)
    write_label_map(job.label, label, palette)
    return job.label


def _write_picture(path: Path, content: bytes, source: Path, overwrite: bool) -> None:
    """Not over another picture: where a data set is made within labelme's own folder, it may be an original."""
    if not overwrite and path.exists() and path.read_bytes() != content:
        raise DataError(
            f"{source}: its picture would become {path}, which is there already and another picture; give another "
            "folder, or --overwrite"
        )
    atomic.write_bytes(path, content)
