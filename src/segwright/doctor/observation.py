"""One pair of files, read once: all that the checks want to know of it."""

import copy
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import parent_process
from pathlib import Path

import cv2
import numpy as np

from segwright.datasets import Pair, SegmentationDataset
from segwright.datasets.file_digests import content_digest
from segwright.datasets.near_duplicates import gray_hash
from segwright.datasets.size_check import size_mismatch
from segwright.doctor.alignment import Alignment, align
from segwright.errors import DataError
from segwright.images import read_label
from segwright.images.decode import Header, read_header
from segwright.types import Size

STEP = 512  # of a picture's longer side, rows and columns that its statistics are made of


@dataclass(frozen=True)
class Fault:
    """Why a pair cannot be used: a kind of finding, and the message that training would end with."""

    kind: str
    message: str


@dataclass(kw_only=True)
class Observation:
    """What was seen of a pair; what could not be read is None or empty.

    Attributes:
        split: section of the configuration, ``train_dataset`` or ``val_dataset``.
        index: place in the data set.
        pair: the files.
        image: what the picture's header says.
        label: what the label map's header says.
        size: of the picture, upright.
        label_size: of the label map, upright.
        digest: of the picture file's content.
        label_digest: of the label file's content.
        looks: the picture's perceptual hash, (256,) int8.
        mean: of each channel, (3,) float64 in 0..1.
        square: mean of the squares, likewise.
        pixels: by class, or ``ignore_index``: how many pixels have it.
        stored_ids: by number in the file, where it is no class: how many pixels hold it.
        alignment: how the label map's borders lie on the picture's.
        faults: why it cannot be used.
    """

    split: str
    index: int
    pair: Pair
    image: Header | None = None
    label: Header | None = None
    size: Size | None = None
    label_size: Size | None = None
    digest: str = ""
    label_digest: str = ""
    looks: np.ndarray | None = None
    mean: np.ndarray | None = None
    square: np.ndarray | None = None
    pixels: dict[int, int] = field(default_factory=dict)
    stored_ids: dict[int, int] = field(default_factory=dict)
    alignment: Alignment | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Both files, as messages name them."""
        return tuple(str(path) for path in self.pair if path is not None)


@dataclass(frozen=True)
class Glance:
    """A pair that is to be looked at; plain data, for it travels to another process."""

    split: str
    index: int
    pair: Pair
    results: tuple[Path, ...] = ()

    @property
    def source(self) -> Path:
        """The picture."""
        return self.pair.image


def glances(split: str, dataset: SegmentationDataset, indices: list[int]) -> Iterator[Glance]:
    """The pairs at these places."""
    return (Glance(split, index, dataset.pairs[index]) for index in indices)


def without_pairs(dataset: SegmentationDataset) -> SegmentationDataset:
    """A data set that reads as another one does, small enough to be sent along with every few pairs."""
    twin = copy.copy(dataset)
    twin.pairs, twin.cache = [], None
    return twin


def observe(datasets: dict[str, SegmentationDataset], glance: Glance) -> Observation:
    """Read a pair and measure it.

    Args:
        datasets: by section; from ``without_pairs``.
        glance: what to look at.
    """
    if parent_process():  # the command has findings of its own on gray pictures and the like
        logging.getLogger("segwright.images").setLevel(logging.ERROR)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)  # each process has one core
    try:
        return _observe(datasets, glance)
    finally:
        cv2.setNumThreads(threads)


def unseen(glance: Glance, reason: str) -> Observation:
    """What is known of a pair that could not be looked at: why."""
    fault = Fault("picture-damaged", reason)
    return Observation(split=glance.split, index=glance.index, pair=glance.pair, faults=[fault])


def _observe(datasets: dict[str, SegmentationDataset], glance: Glance) -> Observation:
    dataset = copy.copy(datasets[glance.split])
    dataset.pairs = [glance.pair]
    seen = Observation(split=glance.split, index=glance.index, pair=glance.pair)
    image = _look_at_picture(dataset, seen)
    label = None if glance.pair.label is None else _look_at_label(dataset, seen, glance.pair.label)
    if image is None or label is None:
        return seen
    if image.shape[:2] != label.shape[:2]:
        picture = dataset.stored(glance.pair.image)
        seen.faults.append(Fault("pair-size", size_mismatch(glance.pair, Size.of(image), Size.of(label), picture)))
    elif not dataset.multilabel and not seen.faults:
        seen.alignment = align(image, label, dataset.ignore_index)
    return seen


def _look_at_picture(dataset: SegmentationDataset, seen: Observation) -> np.ndarray | None:
    try:
        stored = dataset.stored(seen.pair.image)
        seen.digest = _digest(stored)
        seen.image = read_header(stored)
        image = dataset.load_image(0)
    except (DataError, OSError) as error:
        deep = seen.image is not None and seen.image.bits > 8 and dataset.bit_depth is None
        seen.faults.append(Fault("picture-depth" if deep else "picture-damaged", str(error)))
        return None
    seen.size = Size.of(image)
    step = max(1, max(image.shape[:2]) // STEP)
    values = image[::step, ::step].reshape(-1, 3).astype(np.float32) / 255
    seen.mean, seen.square = values.mean(axis=0, dtype=np.float64), (values**2).mean(axis=0, dtype=np.float64)
    seen.looks = gray_hash(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.int8)
    return image


def _look_at_label(dataset: SegmentationDataset, seen: Observation, path: Path) -> np.ndarray | None:
    try:
        stored = dataset.stored(path)
        seen.label_digest = _digest(stored)
        seen.label = read_header(stored)
    except (DataError, OSError) as error:
        seen.faults.append(Fault("label-damaged", str(error)))
        return None
    try:
        label = dataset.load_label(0)
    except DataError as error:
        return _look_closer(seen, stored, error)
    seen.label_size = Size.of(label)
    seen.pixels = _counts(label) if label.ndim == 2 else _counts_of_maps(dataset, label)
    return label


def _look_closer(seen: Observation, stored: Path | bytes, error: DataError) -> np.ndarray | None:
    """What hinders a label map from being one; its numbers, where it has some."""
    assert seen.label is not None
    try:
        label = read_label(stored)
    except DataError:
        kind = "label-damaged"
        if seen.label.lossy:
            kind = "label-lossy"
        elif "colours" in str(error):
            kind = "label-colours"
        seen.faults.append(Fault(kind, str(error)))
        return None
    seen.faults.append(Fault("label-ids", str(error)))
    seen.label_size = Size.of(label)
    seen.stored_ids = _counts(label)
    return label


def _counts(label: np.ndarray) -> dict[int, int]:
    if label.dtype == np.uint8:
        counts = cv2.calcHist([label], [0], None, [256], [0, 256]).ravel()
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, sums = np.unique(label, return_counts=True)
    return dict(zip(values.tolist(), sums.tolist(), strict=True))


def _counts_of_maps(dataset: SegmentationDataset, maps: np.ndarray) -> dict[int, int]:
    """Of (H, W, K) maps of 0 and 1, pixels by class; a pixel may count several times."""
    first = len(dataset.transforms.auxiliary)
    counts = (maps == 1).sum(axis=(0, 1))
    return {first + int(place): int(counts[place]) for place in np.flatnonzero(counts)}


def _digest(stored: Path | bytes) -> str:
    return content_digest(stored if isinstance(stored, bytes) else stored.read_bytes())
