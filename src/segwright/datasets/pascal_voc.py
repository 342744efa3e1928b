"""PASCAL VOC 2012 (Everingham et al., 2015), https://doi.org/10.1007/s11263-014-0733-5: 20 kinds of things."""

from pathlib import Path
from typing import Literal, get_args

from segwright.datasets.base import SegmentationDataset, Transforms, check_mode
from segwright.datasets.folder import Source, find_folder
from segwright.datasets.list_file import Pair
from segwright.datasets.pairing import listed_pairs
from segwright.errors import DataError
from segwright.fetch import Digest
from segwright.images import default_palette
from segwright.registry import DATASETS

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus"),
    *("car", "cat", "chair", "cow", "diningtable", "dog", "horse"),
    *("motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
LAYOUT = "VOCdevkit/ with VOC2012/JPEGImages, VOC2012/SegmentationClass and VOC2012/ImageSets/Segmentation/*.txt"
SOURCE = Source(
    "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
    folder="VOCdevkit",
    holds="VOC2012/ImageSets/Segmentation/train.txt",
    digest=Digest("md5", "6cd6e144f989b92b3379bac3b3de84fd"),
)
VocMode = Literal["train", "trainval", "trainaug", "val"]


@DATASETS.register
class PascalVOC(SegmentationDataset):
    """Twenty-one classes; 255, the border around each thing and what is hard to tell, is ignored.

    ::

        VOCdevkit/VOC2012/
          JPEGImages/2007_000032.jpg
          SegmentationClass/2007_000032.png        ids as palette indices
          SegmentationClassAug/2008_000002.png     only for "trainaug"
          ImageSets/Segmentation/train.txt  trainval.txt  val.txt  aug.txt   one name, without suffix, a line

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: VOCdevkit; downloaded (2 GB) if it is not there. None: ``$SEGWRIGHT_CACHE/datasets/VOCdevkit``.
        mode: "trainaug" is "train" and the pictures that the Semantic Boundaries Dataset (Hariharan et al., 2011,
            https://doi.org/10.1109/ICCV.2011.6126343) adds. All but "val" are for training.
        edge: training items also hold a boundary map.

    Raises:
        DataError: folders or files are missing.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES
    palette = ((0, 0, 0), (128, 0, 0), *default_palette(20)[1:])  # default_palette leaves out VOC's second colour

    def __init__(
        self,
        transforms: Transforms,
        dataset_root: str | Path | None = None,
        mode: VocMode = "train",
        edge: bool = False,
    ) -> None:
        check_mode(mode, get_args(VocMode))
        super().__init__(
            _pairs(find_folder(dataset_root, LAYOUT, SOURCE) / "VOC2012", mode),
            transforms,
            num_classes=self.num_classes,
            mode="val" if mode == "val" else "train",
            edge=edge,
            class_names=self.class_names,
            palette=self.palette,
        )


def _pairs(root: Path, mode: VocMode) -> list[Pair]:
    def pairs(list_name: str, labels: str) -> list[Pair]:
        return listed_pairs(
            root / "ImageSets" / "Segmentation" / list_name,
            lambda name: Pair(root / "JPEGImages" / f"{name}.jpg", root / labels / f"{name}.png"),
            LAYOUT,
        )

    if mode != "trainaug":
        return pairs(f"{mode}.txt", "SegmentationClass")
    if not (root / "ImageSets" / "Segmentation" / "aug.txt").is_file():
        raise DataError(
            f"{root} has no ImageSets/Segmentation/aug.txt: mode trainaug wants label maps of the Semantic "
            "Boundaries Dataset in SegmentationClassAug/, and that list of them; segwright data voc_augment makes both"
        )
    return pairs("train.txt", "SegmentationClass") + pairs("aug.txt", "SegmentationClassAug")
