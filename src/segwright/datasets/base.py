"""What every data set does once it knows its pairs: read, check, transform."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, NamedTuple

import cv2
import numpy as np

from segwright.datasets.edge import boundary_map
from segwright.datasets.label_check import LabelCheck
from segwright.datasets.list_file import Pair
from segwright.errors import ConfigError, DataError, suggest
from segwright.images import Palette, default_palette, read_image, read_label
from segwright.images.decode import decode
from segwright.transforms import AddEdgeLabel, Compose
from segwright.types import Sample, Size

Mode = Literal["train", "val", "test"]
Transforms = Sequence[Any] | Compose
"""A ``Compose``, or the transforms that one is to be made of."""

SHOWN = 10  # names in a message

logger = logging.getLogger("segwright.datasets")


class LabelSurvey(NamedTuple):
    """Which ids occur in label maps.

    Attributes:
        num_files: label maps looked at.
        files_with: for each id that occurs, ignored pixels included, the number of files that hold it.
        absent: classes that no file holds.
    """

    num_files: int
    files_with: dict[int, int]
    absent: tuple[int, ...]


class SegmentationDataset:
    """Pictures with their label maps.

    Classes for a known data set state ``num_classes``, ``class_names`` and ``palette`` in the class itself, so that
    they can be asked without the files at hand.

    ``dataset[i]`` is ``dataset.item(i, seed=0)``. Training pictures are handed to the transforms as uint8, which is
    fast; pictures for evaluation and prediction as float32, as PaddleSeg computes.

    Args:
        pairs: the files; a label may be None only for mode "test".
        transforms: what happens to each sample, a list or a ``Compose``.
        num_classes: classes, background included, ignored pixels not.
        mode: "train" transforms label maps too; "val" and "test" leave them at their own size.
        ignore_index: id of pixels that do not count.
        edge: items for training also hold a boundary map.
        img_channels: bands that the transforms deliver; a ``Compose`` knows its own.
        bit_depth: see ``read_image``; needed for pictures with more than 8 bits per value.
        class_names: one for each class.
        palette: a colour for each class.
        stored_ids: where label maps hold other numbers than the classes' own: for each number its class or
            ``ignore_index``. They are translated as they are read, for training and evaluation alike.

    Raises:
        ConfigError: the arguments contradict each other.
        DataError: there are no pairs.
    """

    edge_radius: ClassVar[int] = 2
    """How far from a boundary, in pixels, the boundary map reaches."""

    num_classes: int
    class_names: tuple[str, ...] | None = None
    palette: Palette | None = None

    def __init__(
        self,
        pairs: Sequence[Pair],
        transforms: Transforms,
        *,
        num_classes: int,
        mode: Mode,
        ignore_index: int = 255,
        edge: bool = False,
        img_channels: int = 3,
        bit_depth: int | None = None,
        class_names: Sequence[str] | None = None,
        palette: Palette | None = None,
        stored_ids: Mapping[int, int] | None = None,
    ) -> None:
        check_mode(mode)
        if num_classes < 2:
            raise ConfigError(
                f"num_classes is {num_classes}, but background counts as a class: for one kind of object on "
                f"background it is 2, with ids 0 and 1 in the label maps"
            )
        if class_names is not None and len(class_names) != num_classes:
            raise ConfigError(f"class_names has {len(class_names)} entries, but num_classes is {num_classes}")
        if not pairs:
            raise DataError(f"no pictures to {mode} with")
        bare = [pair.image for pair in pairs if pair.label is None]
        if bare and mode != "test":
            raise DataError(
                f"{len(bare)} of {len(pairs)} pictures have no label map, which mode {mode} needs: {bare[0]}"
            )
        self.pairs = list(pairs)
        self.transforms = (
            transforms if isinstance(transforms, Compose) else Compose(transforms, img_channels=img_channels)
        )
        adds_edge = any(isinstance(transform, AddEdgeLabel) for transform in self.transforms.transforms)
        if mode != "train":
            self.transforms.check_for_prediction()
        elif edge and adds_edge:
            raise ConfigError(
                "edge: True and AddEdgeLabel make two boundary maps where one is wanted: remove one of them"
            )
        self.num_classes = num_classes
        self.mode = mode
        self.ignore_index = ignore_index
        self.edge = edge or adds_edge
        self.bit_depth = bit_depth
        self.class_names = None if class_names is None else tuple(class_names)
        self.palette = default_palette(num_classes) if palette is None else palette
        self._check_label = LabelCheck(num_classes, ignore_index, stored_ids)
        self._classes = None if stored_ids is None else _lookup_table(stored_ids)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[np.ndarray | None, ...]:
        return self.item(index, seed=0)

    def item(self, index: int, seed: int) -> tuple[np.ndarray | None, ...]:
        """What the model gets: the transformed sample, ready to be stacked.

        Args:
            index: which pair.
            seed: decides all random transforms of this sample, wherever and in whatever order samples are made.

        Returns:
            image (C, H, W) float32; label (H, W) int64, or None where there is no label map; in mode "train" also the
            boundary map (1, H, W) uint8 if there is one.

        Raises:
            DataError: as ``load``.
        """
        sample = self.sample(index, np.random.default_rng(seed))
        image = np.ascontiguousarray(np.moveaxis(sample.image, -1, 0), dtype=np.float32)
        label = None if sample.label is None else sample.label.astype(np.int64)
        return (image, label) if sample.edge is None else (image, label, sample.edge[np.newaxis])

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """A transformed sample. In mode "train" image and label map, else the image only, with its geometry noted.

        With ``edge``, a sample for training has the boundary map of its transformed label map: 1 within ``edge_radius``
        pixels of a boundary.

        Raises:
            DataError: as ``load``.
        """
        image, label = self.load(index)
        if self.mode == "train":
            sample = self.transforms(image, label, rng=rng)
            if self.edge and sample.edge is None and sample.label is not None:
                return replace(sample, edge=boundary_map(sample.label, self.num_classes, self.edge_radius)[0])
            return sample
        return replace(self.transforms(image.astype(np.float32), rng=rng), label=label)

    def load(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Read and check a pair: image (H, W, 3) uint8 RGB, and label (H, W) uint8 or int32 or None.

        Raises:
            DataError: a file is missing or damaged, the two differ in size, or the label map holds impossible ids.
        """
        pair = self.pairs[index]
        image = read_image(pair.image, bit_depth=self.bit_depth)
        if pair.label is None:
            return image, None
        label = self.load_label(index)
        if image.shape[:2] != label.shape:
            raise DataError(_size_mismatch(pair, Size.of(image), Size.of(label)))
        return image, label

    def load_label(self, index: int) -> np.ndarray:
        """Read a label map and check its ids: (H, W) uint8 or int32, classes and ``ignore_index``.

        Raises:
            DataError: the file is missing or damaged, or holds ids that are neither a class nor ``ignore_index``
                (with ``stored_ids``, that are none of them).
        """
        path = self.pairs[index].label
        if path is None:
            raise DataError(f"{self.pairs[index].image} has no label map")
        label = read_label(path)
        self._check_label(label, path)
        return label if self._classes is None else cv2.LUT(label, self._classes)

    def label_survey(self, limit: int = 64) -> LabelSurvey:
        """Look at label maps before training, and warn about classes that never occur.

        Args:
            limit: how many label maps to read, spread evenly over the data set.

        Raises:
            DataError: as ``load_label``; or nothing but background and ignored pixels occurs, as in masks
                saved with 0 and 255.
        """
        labelled = [index for index, pair in enumerate(self.pairs) if pair.label is not None]
        chosen = [labelled[place] for place in _spread(len(labelled), limit)]
        files_with = Counter(int(value) for index in chosen for value in np.unique(self.load_label(index)))
        if files_with[self.ignore_index] and not set(files_with) - {0, self.ignore_index}:
            if len(chosen) < len(labelled):  # be sure before refusing
                return self.label_survey(limit=len(labelled))
            raise DataError(
                f"the {len(chosen)} label maps hold nothing but {', '.join(map(str, sorted(files_with)))}, first "
                f"{self.pairs[chosen[0]].label}: {self.ignore_index} is ignore_index, so there is nothing to learn; "
                f"if {self.ignore_index} marks the object, save it as 1"
            )
        absent = tuple(value for value in range(self.num_classes) if not files_with[value]) if chosen else ()
        if absent:
            names = [str(value) if self.class_names is None else self.class_names[value] for value in absent]
            looked = f"{len(chosen)} label maps looked at, of {len(labelled)} for mode {self.mode},"
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            logger.warning("none of the %s holds these classes: %s%s", looked, ", ".join(names[:SHOWN]), more)
        return LabelSurvey(len(chosen), dict(sorted(files_with.items())), absent)


def check_mode(mode: str, known: Sequence[str] = ("train", "val", "test")) -> None:
    """Raise a ``ConfigError`` unless ``mode`` is one of those that a data set has."""
    if mode not in known:
        raise ConfigError(f"mode '{mode}' is none of {', '.join(known[:-1])} and {known[-1]}; {suggest(mode, known)}")


def _lookup_table(stored_ids: Mapping[int, int]) -> np.ndarray:
    """(256,) uint8: for each stored id what it means; what others mean does not matter, the check refuses them."""
    table = np.zeros(256, np.uint8)
    table[list(stored_ids)] = list(stored_ids.values())
    return table


def _spread(count: int, limit: int) -> Iterator[int]:
    """At most ``limit`` of the numbers below ``count``, evenly spaced."""
    chosen = min(count, limit)
    return (place * count // chosen for place in range(chosen))


def _size_mismatch(pair: Pair, image: Size, label: Size) -> str:
    message = f"{pair.image} is {image}, but its label map {pair.label} is {label} (width x height); "
    if (image.height, image.width) != (label.width, label.height):
        return message + "draw or export the label map at the size of the picture"
    orientation = decode(pair.image).orientation
    if orientation in (5, 6, 7, 8):
        return message + (
            f"the picture was turned upright as its EXIF orientation {orientation} asks, the label map was not: "
            f"turn the label map too, or save the picture without EXIF"
        )
    return message + "width and height are swapped: transpose the label map"
