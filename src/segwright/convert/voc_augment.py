"""PASCAL VOC 2012 augmented by the Semantic Boundaries Dataset (Hariharan et al., ICCV 2011)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segwright import atomic
from segwright.convert.mat_file import read_mat_map, require_scipy
from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import Palette, write_label_map
from segwright.images.listing import text_lines


@dataclass(frozen=True)
class SbdJob:
    """One of SBD's .mat files, and the label map to write."""

    source: Path
    path: Path

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map."""
        return (self.path,)


def augment_voc(
    devkit: Path, sbd: Path, palette: Palette, *, num_workers: int = 0, overwrite: bool = False
) -> Report[Path]:
    """Write ``VOC2012/SegmentationClassAug`` and the list ``aug.txt`` that the mode "trainaug" reads.

    The list names SBD's pictures that are in none of VOC's own lists; pictures of both keep VOC's label maps.

    Args:
        devkit: VOCdevkit.
        sbd: SBD's unpacked archive, ``benchmark_RELEASE``, or its folder ``dataset``.
        palette: of the label maps.
        num_workers: processes.
        overwrite: replace label maps that are there.

    Raises:
        DataError: folders or lists are missing.
        MissingExtraError: scipy is not installed.
    """
    require_scipy()
    voc = devkit / "VOC2012"
    own = voc / "ImageSets" / "Segmentation" / "trainval.txt"
    if not own.is_file():
        raise DataError(f"{own} is missing; want VOCdevkit with VOC2012/ImageSets/Segmentation/trainval.txt")
    folder = next((place for place in (sbd / "dataset", sbd) if (place / "cls").is_dir()), None)
    if folder is None:
        raise DataError(f"{sbd} has no dataset/cls; want SBD's unpacked archive, benchmark_RELEASE")
    taken = {name for _, name in text_lines(own)}
    names = sorted({name for part in ("train", "val") for _, name in text_lines(folder / f"{part}.txt")} - taken)
    jobs = [SbdJob(folder / "cls" / f"{name}.mat", voc / "SegmentationClassAug" / f"{name}.png") for name in names]
    report = convert_files(jobs, partial(_convert, list(palette)), num_workers=num_workers, overwrite=overwrite)
    made = [job.path.stem for job in jobs if job.path.exists()]
    atomic.write_text(own.with_name("aug.txt"), "".join(f"{name}\n" for name in made))
    return report


def _convert(palette: Sequence[tuple[int, int, int]], job: SbdJob) -> Path:
    if not job.source.is_file():
        raise DataError(f"{job.source} does not exist, but SBD's lists name it; unpack the archive again")
    write_label_map(job.path, read_mat_map(job.source, "GTcls", "Segmentation"), palette)
    return job.path
