"""PASCAL Context (Mottaghi et al., 2014), https://doi.org/10.1109/CVPR.2014.119: VOC 2010 with every pixel labelled."""

from pathlib import Path
from typing import Literal, get_args

from segwright.datasets.base import SegmentationDataset, Transforms, check_mode
from segwright.datasets.folder import find_folder
from segwright.datasets.list_file import Pair
from segwright.datasets.pairing import listed_pairs
from segwright.registry import DATASETS

# The 59 most frequent of the data set's 459 labels, in the order of their numbers there.
CLASSES = (
    *("background", "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat", "book"),
    *("bottle", "building", "bus", "cabinet", "car", "cat", "ceiling", "chair", "cloth", "computer"),
    *("cow", "cup", "curtain", "dog", "door", "fence", "floor", "flower", "food", "grass"),
    *("ground", "horse", "keyboard", "light", "motorbike", "mountain", "mouse", "person", "plate", "platform"),
    *("pottedplant", "road", "rock", "sheep", "shelves", "sidewalk", "sign", "sky", "snow", "sofa"),
    *("table", "track", "train", "tree", "truck", "tvmonitor", "wall", "water", "window", "wood"),
)
LAYOUT = "VOC2010/ with JPEGImages/, Context/ and ImageSets/Segmentation/{train,trainval,val}_context.txt"
ContextMode = Literal["train", "trainval", "val"]


@DATASETS.register
class PascalContext(SegmentationDataset):
    """Sixty classes, background included. The label maps are made from trainval_merged.json, hence never downloaded.

    ::

        VOC2010/
          JPEGImages/2008_000002.jpg
          Context/2008_000002.png     ids 0 to 59
          ImageSets/Segmentation/train_context.txt  trainval_context.txt  val_context.txt   one name a line

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: VOC2010.
        mode: which list to read; "train" and "trainval" are for training.
        edge: training items also hold a boundary map.

    Raises:
        DataError: folders or files are missing.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    def __init__(
        self,
        transforms: Transforms,
        dataset_root: str | Path | None = None,
        mode: ContextMode = "train",
        edge: bool = False,
    ) -> None:
        check_mode(mode, get_args(ContextMode))
        root = find_folder(dataset_root, LAYOUT)
        super().__init__(
            listed_pairs(
                root / "ImageSets" / "Segmentation" / f"{mode}_context.txt",
                lambda name: Pair(root / "JPEGImages" / f"{name}.jpg", root / "Context" / f"{name}.png"),
                LAYOUT,
            ),
            transforms,
            num_classes=self.num_classes,
            mode="val" if mode == "val" else "train",
            edge=edge,
            class_names=self.class_names,
        )
