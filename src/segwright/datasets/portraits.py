"""Portraits as PortraitNet trains on them (Zhang et al., 2019), https://doi.org/10.1016/j.cag.2019.03.007."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from segwright.datasets.base import Mode, SegmentationDataset, check_mode
from segwright.datasets.folder import Source, find_folder
from segwright.datasets.list_file import Pair
from segwright.datasets.pairing import listed_pairs
from segwright.transforms import ReverseChannels
from segwright.types import Sample

IGNORED = 255

logger = logging.getLogger("segwright.datasets")


class PortraitDataset(SegmentationDataset, ABC):
    """Two classes: background and person. Pictures reach the model as BGR, in which PortraitNet was trained.

    Transforms see RGB, so that Normalize's numbers are those of red, green and blue; ``ReverseChannels`` goes last.
    Label maps for training are smoothed after they were moved: each pixel takes the majority of the 5 x 5 around it.

    Args:
        common_transforms: for all pictures, and in training for their label maps. For evaluation they are all there is.
        transforms1: for training, after the common ones.
        transforms2: PortraitNet's second, distorted view of the same picture, for a loss that compares the two. Like
            PaddleSeg, we make no use of it; a warning says so.
        dataset_root: the data set's folder; downloaded if it is not there. None: ``$SEGWRIGHT_CACHE/datasets``.
        mode: "train" reads the list for training, "val" and "test" the other one.
        edge: training items also hold a boundary map, which reaches four pixels.

    Raises:
        DataError: folders or files are missing.
    """

    num_classes = 2
    class_names = ("background", "person")
    edge_radius = 4
    own_transforms = (ReverseChannels,)
    """What follows the transforms of a configuration, in evaluation too."""

    layout: ClassVar[str]
    source: ClassVar[Source]
    lists: ClassVar[dict[Mode, str]]
    stored_ids: ClassVar[Mapping[int, int]]
    """What each number in a label map means."""

    def __init__(
        self,
        common_transforms: Sequence[Any],
        transforms1: Sequence[Any] | None = None,
        transforms2: Sequence[Any] | None = None,
        dataset_root: str | Path | None = None,
        mode: Mode = "train",
        edge: bool = False,
    ) -> None:
        check_mode(mode)
        if transforms2 and mode == "train":
            logger.warning("transforms2 is left out: no loss compares a second view of each picture with the first")
        root = find_folder(dataset_root, self.layout, self.source)
        training = (_smooth, *(transforms1 or ())) if mode == "train" else ()
        own = (transform() for transform in self.own_transforms)
        super().__init__(
            listed_pairs(root / self.lists[mode], lambda name: self.pair(root, name), self.layout),
            [*common_transforms, *training, *own],
            num_classes=self.num_classes,
            mode=mode,
            ignore_index=IGNORED,
            edge=edge,
            class_names=self.class_names,
            stored_ids=self.stored_ids,
        )

    @staticmethod
    @abstractmethod
    def pair(root: Path, name: str) -> Pair:
        """The files that a line of a list stands for."""


def _smooth(sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG001
    """Give each pixel of a binary label map the majority around it; ignored ones stay so."""
    label = sample.label
    if label is None:
        return sample
    smooth = cv2.blur((label == 1).astype(np.uint8), (5, 5))  # a mean that is rounded: 1 from 13 of 25
    return replace(sample, label=np.where(label == IGNORED, label, smooth))
