"""COCO-Stuff 164k (Caesar et al., 2018), https://arxiv.org/abs/1612.03716: 80 kinds of things and 91 of stuff."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from segwright.datasets.base import SegmentationDataset, Transforms, check_mode
from segwright.datasets.folder import find_folder
from segwright.datasets.list_file import Pair
from segwright.datasets.pairing import matching_pairs
from segwright.images import read_label
from segwright.registry import DATASETS

CLASSES = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
    *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow"),
    *("elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee"),
    *("skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard"),
    *("tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
    *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
    *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard"),
    *("cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors"),
    *("teddy bear", "hair drier", "toothbrush", "banner", "blanket", "branch", "bridge", "building-other", "bush"),
    *("cabinet", "cage", "cardboard", "carpet", "ceiling-other", "ceiling-tile", "cloth", "clothes", "clouds"),
    *("counter", "cupboard", "curtain", "desk-stuff", "dirt", "door-stuff", "fence", "floor-marble"),
    *("floor-other", "floor-stone", "floor-tile", "floor-wood", "flower", "fog", "food-other", "fruit"),
    *("furniture-other", "grass", "gravel", "ground-other", "hill", "house", "leaves", "light", "mat", "metal"),
    *("mirror-stuff", "moss", "mountain", "mud", "napkin", "net", "paper", "pavement", "pillow", "plant-other"),
    *("plastic", "platform", "playingfield", "railing", "railroad", "river", "road", "rock", "roof", "rug"),
    *("salad", "sand", "sea", "shelf", "sky-other", "skyscraper", "snow", "solid-other", "stairs", "stone"),
    *("straw", "structural-other", "table", "tent", "textile-other", "towel", "tree", "vegetable", "wall-brick"),
    *("wall-concrete", "wall-other", "wall-panel", "wall-stone", "wall-tile", "wall-wood", "water-other"),
    *("waterdrops", "window-blind", "window-other", "wood"),
)
UNUSED = frozenset((11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90))  # numbers in the published label maps without a class
PUBLISHED = {number: index for index, number in enumerate(sorted(set(range(182)) - UNUSED))} | {255: 255}
LOOKED_AT = 64  # label maps, to learn which numbers they hold
LAYOUT = "cocostuff/ with images/{train2017,val2017}/*.jpg and annotations/{train2017,val2017}/*.png"
CocoMode = Literal["train", "val"]

logger = logging.getLogger("segwright.datasets")


@DATASETS.register
class CocoStuff(SegmentationDataset):
    """171 classes; 255 is ignored. Each picture is matched with its label map by name.

    ::

        cocostuff/
          images/train2017/000000000009.jpg        images/val2017/...
          annotations/train2017/000000000009.png   annotations/val2017/...

    Label maps may hold the classes, 0 to 170, as PaddleSeg wants them converted, or the published numbers, 0 to 181
    with gaps, which are translated as they are read. A few of the files tell which: a number in a gap is only in
    converted ones, one above 170 only in published ones.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with images/ and annotations/.
        mode: which of their sub-folders to read.
        edge: training items also hold a boundary map.

    Raises:
        DataError: folders or files are missing.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path, mode: CocoMode = "train", edge: bool = False
    ) -> None:
        check_mode(mode, get_args(CocoMode))
        root = find_folder(dataset_root, LAYOUT)
        pairs = matching_pairs(root / "images" / f"{mode}2017", root / "annotations" / f"{mode}2017", LAYOUT)
        is_published = _hold_published_numbers(pairs)
        if is_published:
            logger.info("%s: the label maps hold COCO-Stuff's own numbers; they are read as the 171 classes", root)
        super().__init__(
            pairs,
            transforms,
            num_classes=self.num_classes,
            mode=mode,
            edge=edge,
            class_names=self.class_names,
            stored_ids=PUBLISHED if is_published else None,
        )


def _hold_published_numbers(pairs: Sequence[Pair]) -> bool:
    for pair in pairs[:: -(-len(pairs) // LOOKED_AT)]:
        assert pair.label is not None
        numbers = set(np.unique(read_label(pair.label)).tolist()) - {255}
        if numbers & UNUSED:
            return False
        if max(numbers, default=0) >= len(CLASSES):
            return True
    return False
