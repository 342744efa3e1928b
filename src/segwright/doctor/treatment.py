"""What is done to a pair on its way into a corrected copy; imports little, for it runs in other processes."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segwright import atomic
from segwright.datasets import Pair
from segwright.errors import DataError
from segwright.images import Palette, read_image, write_image, write_label_map
from segwright.images.read import upright
from segwright.transforms.resize import resize
from segwright.types import Size

ReadIds = Callable[[Path], np.ndarray]
SAME_SHAPE = 0.02  # difference of width to height up to which a label map is the picture scaled


@dataclass(frozen=True)
class Remedy:
    """What to do with a pair.

    Attributes:
        image: save the picture anew, upright and as 8-bit RGB; otherwise its file is copied.
        read: how to get ids from the label file; None copies the file.
        drop: why the pair is left out; empty keeps it.
    """

    image: bool = False
    read: ReadIds | None = None
    drop: str = ""

    @property
    def changes(self) -> bool:
        """Whether one of the two files becomes another."""
        return self.image or self.read is not None


@dataclass(frozen=True)
class Fitted:
    """Ids that are turned or resampled so that they lie on their picture.

    Attributes:
        read: gives the ids.
        size: of the picture, upright.
        stored: of the picture as its file holds it.
        orientation: of the picture.
        drawn_on_stored: the label map fits only when it is turned as the picture is.
    """

    read: ReadIds
    size: Size
    stored: Size
    orientation: int
    drawn_on_stored: bool = False

    def __call__(self, path: Path) -> np.ndarray:
        """Read and fit; a ``DataError`` where the shapes have nothing to do with each other."""
        ids = self.read(path)
        label = Size.of(ids)
        if self.drawn_on_stored or (label != self.size and label == self.stored and self.orientation > 1):
            return upright(ids, self.orientation)
        if label == self.size:
            return ids
        if label == (self.size.width, self.size.height):
            return np.ascontiguousarray(ids.T)
        if abs(label.width * self.size.height / (label.height * self.size.width) - 1) > SAME_SHAPE:
            raise DataError(f"{path} is {label}, its picture {self.size}: which part it shows cannot be told")
        return resize(ids, self.size, cv2.INTER_NEAREST)


@dataclass(frozen=True)
class Treatment:
    """A pair to be written; plain data, for it travels to another process."""

    pair: Pair
    remedy: Remedy
    image: Path
    label: Path
    palette: Palette
    bit_depth: int | None

    @property
    def source(self) -> Path:
        """The picture."""
        return self.pair.image

    @property
    def results(self) -> tuple[Path, ...]:
        """Picture and label map."""
        return (self.image, self.label)


def treat(job: Treatment) -> None:
    """Write a picture and its label map; a ``DataError`` if it turns out that they cannot be mended."""
    assert job.pair.label is not None
    if job.remedy.read:
        write_label_map(job.label, job.remedy.read(job.pair.label), job.palette)
    else:
        _copy(job.pair.label, job.label)
    if job.remedy.image:
        write_image(job.image, read_image(job.pair.image, bit_depth=job.bit_depth))
    else:
        _copy(job.pair.image, job.image)


def _copy(source: Path, path: Path) -> None:
    with atomic.new_file(path) as part:
        shutil.copyfile(source, part)
