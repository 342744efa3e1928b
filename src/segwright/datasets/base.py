"""What every data set does once it knows its pairs: read, check, transform."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import cv2
import numpy as np

from segwright.datasets.edge import boundary_map
from segwright.datasets.label_check import LabelCheck
from segwright.datasets.label_stack import LabelStacks
from segwright.datasets.list_file import Pair
from segwright.datasets.size_check import size_mismatch
from segwright.datasets.survey import LabelSurvey, survey_labels
from segwright.errors import ConfigError, DataError, suggest
from segwright.images import Palette, default_palette, read_image, read_label
from segwright.transforms import AddEdgeLabel, Compose
from segwright.types import Sample, Size

if TYPE_CHECKING:
    from segwright.datasets.cache import DecodedCache

Mode = Literal["train", "val", "test"]
Transforms = Sequence[Any] | Compose
"""A ``Compose``, or the transforms that one is to be made of."""


class SegmentationDataset:
    """Pictures with their label maps.

    Classes for a known data set state ``num_classes``, ``class_names`` and ``palette`` in the class itself, so that
    they can be asked without the files at hand.

    ``dataset[i]`` is ``dataset.item(i, seed=0)``. Training pictures are handed to the transforms as uint8, which is
    fast; pictures for evaluation and prediction as float32, as PaddleSeg computes.

    Args:
        pairs: the files; a label may be None only for mode "test".
        transforms: what happens to each sample, a list or a ``Compose``.
        num_classes: classes, background included, ignored pixels not. With ``multilabel`` there is no background, but
            the class that ``AddMultiLabelAuxiliaryCategory`` adds counts.
        mode: "train" transforms label maps too; "val" and "test" leave them at their own size.
        ignore_index: id of pixels that do not count.
        edge: items for training also hold a boundary map.
        img_channels: bands that the transforms deliver; a ``Compose`` knows its own.
        bit_depth: see ``read_image``; needed for pictures with more than 8 bits per value.
        class_names: one for each class.
        palette: a colour for each class.
        stored_ids: where label maps hold other numbers than the classes' own: for each number its class or
            ``ignore_index``. They are translated as they are read, for training and evaluation alike.
        multilabel: a pixel may have several labels, or none; see ``LabelStacks`` for the label files.

    Raises:
        ConfigError: the arguments contradict each other.
        DataError: there are no pairs.
    """

    edge_radius: ClassVar[int] = 2
    """How far from a boundary, in pixels, the boundary map reaches."""

    num_classes: int
    class_names: tuple[str, ...] | None = None
    palette: Palette | None = None
    cache: "DecodedCache | None" = None
    """Keeps what ``load`` gives for ``sample``; None reads the files each time."""

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
        multilabel: bool = False,
    ) -> None:
        check_mode(mode)
        if num_classes < 2 and not multilabel:
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
        self.multilabel = multilabel
        self._check_multilabel()
        self.bit_depth = bit_depth
        self.class_names = None if class_names is None else tuple(class_names)
        self.palette = self._default_palette() if palette is None else palette
        num_maps = num_classes - len(self.transforms.auxiliary)
        self._split = LabelStacks(num_maps, ignore_index) if multilabel else None
        self.label_ids = stored_ids
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
            image (C, H, W) float32; label (H, W) int64, with ``multilabel`` (num_classes, H, W), or None where there is
            no label map; in mode "train" also the boundary map (1, H, W) uint8 if there is one.

        Raises:
            DataError: as ``load``.
        """
        sample = self.sample(index, np.random.default_rng(seed))
        image = np.ascontiguousarray(np.moveaxis(sample.image, -1, 0), dtype=np.float32)
        label = None if sample.label is None else channels_first(sample.label).astype(np.int64)
        return (image, label) if sample.edge is None else (image, label, sample.edge[np.newaxis])

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """A transformed sample. In mode "train" image and label map, else the image only, with its geometry noted.

        With ``edge``, a sample for training has the boundary map of its transformed label map: 1 within ``edge_radius``
        pixels of a boundary.

        Raises:
            DataError: as ``load``.
        """
        image, label = self.load(index) if self.cache is None else self.cache.load(index, self.load)
        if self.mode == "train":
            sample = self.transforms(image, label, rng=rng, multilabel=self.multilabel)
            if self.edge and sample.edge is None and sample.label is not None:
                return replace(sample, edge=boundary_map(sample.label, self.num_classes, self.edge_radius)[0])
            return sample
        sample = replace(self.transforms(image.astype(np.float32), rng=rng), label=label)
        for add in self.transforms.auxiliary:
            sample = add(sample, rng)
        return sample

    def load(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Read and check a pair: image (H, W, 3) uint8 RGB, and label (H, W) uint8 or int32 or None.

        With ``multilabel`` the label is (H, W, K) uint8, one map for each class that the file holds.

        Raises:
            DataError: a file is missing or damaged, the two differ in size, or the label map holds impossible ids.
        """
        pair = self.pairs[index]
        image = self.load_image(index)
        if pair.label is None:
            return image, None
        if self._split is not None:
            return image, self._split(read_label(self.stored(pair.label)), pair, Size.of(image))
        label = self.load_label(index)
        if image.shape[:2] != label.shape:
            raise DataError(size_mismatch(pair, Size.of(image), Size.of(label), self.stored(pair.image)))
        return image, label

    def load_image(self, index: int) -> np.ndarray:
        """Read a picture: (H, W, 3) uint8 RGB.

        Raises:
            DataError: the file is missing or damaged.
        """
        return read_image(self.stored(self.pairs[index].image), bit_depth=self.bit_depth)

    def stored(self, path: Path) -> Path | bytes:
        """What to decode for a path in ``pairs``: the file itself, or its bytes where it is part of another file."""
        return path

    def load_label(self, index: int) -> np.ndarray:
        """Read a label map and check its ids: (H, W) uint8 or int32, classes and ``ignore_index``.

        With ``multilabel`` as ``load`` gives it: the picture is read too, as its size tells where a map ends.

        Raises:
            DataError: the file is missing or damaged, or holds ids that are neither a class nor ``ignore_index``
                (with ``stored_ids``, that are none of them).
        """
        path = self.pairs[index].label
        if path is None:
            raise DataError(f"{self.pairs[index].image} has no label map")
        if self.multilabel:
            _, maps = self.load(index)
            assert maps is not None
            return maps
        label = read_label(self.stored(path))
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
        return survey_labels(self, limit)

    def _default_palette(self) -> Palette:
        """Black for the class that stands for the absence of others, if there is one."""
        if self.multilabel and not self.transforms.auxiliary:
            return default_palette(self.num_classes + 1)[1:]
        return default_palette(self.num_classes)

    def _check_multilabel(self) -> None:
        if self.transforms.auxiliary and not self.multilabel:
            raise ConfigError(
                "AddMultiLabelAuxiliaryCategory is for data with several labels a pixel: say so by multilabel: True "
                "(--use_multilabel), or remove it"
            )
        if self.edge and self.multilabel:
            raise ConfigError(
                "boundary maps (edge: True, AddEdgeLabel) are made of one label a pixel, but multilabel is True: "
                "remove one of the two"
            )


def channels_first(label: np.ndarray) -> np.ndarray:
    """A label as a batch holds it: (H, W) as it is, (H, W, K) as (K, H, W); contiguous."""
    return np.ascontiguousarray(label if label.ndim == 2 else label.transpose(2, 0, 1))


def check_mode(mode: str, known: Sequence[str] = ("train", "val", "test")) -> None:
    """Raise a ``ConfigError`` unless ``mode`` is one of those that a data set has."""
    if mode not in known:
        raise ConfigError(f"mode '{mode}' is none of {', '.join(known[:-1])} and {known[-1]}; {suggest(mode, known)}")


def _lookup_table(stored_ids: Mapping[int, int]) -> np.ndarray:
    """(256,) uint8: for each stored id what it means; what others mean does not matter, the check refuses them."""
    table = np.zeros(256, np.uint8)
    table[list(stored_ids)] = list(stored_ids.values())
    return table
