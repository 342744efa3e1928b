"""Cityscapes (Cordts et al., 2016), https://arxiv.org/abs/1604.01685: urban streets, 19 classes."""

from pathlib import Path

from segwright.datasets.base import Mode, SegmentationDataset, Transforms, check_mode
from segwright.datasets.folder import find_folder
from segwright.datasets.list_file import Pair
from segwright.errors import DataError
from segwright.registry import DATASETS

CLASSES = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
LAYOUT = (
    "cityscapes/ with leftImg8bit/{train,val,test}/CITY/*_leftImg8bit.png "
    "and gtFine/{train,val,test}/CITY/*_gtFine_labelTrainIds.png"
)


@DATASETS.register
class Cityscapes(SegmentationDataset):
    """Nineteen classes; everything else is 255. Each picture is matched with its label map by name.

    ::

        cityscapes/
          leftImg8bit/{train,val,test}/aachen/aachen_000000_000019_leftImg8bit.png
          gtFine/{train,val,test}/aachen/aachen_000000_000019_gtFine_labelTrainIds.png

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with leftImg8bit/ and gtFine/.
        mode: which of their sub-folders to read; "test" takes label maps where there are any.
        edge: training items also hold a boundary map.

    Raises:
        DataError: folders or files are missing, or label maps have not been converted to the 19 classes.
    """

    num_classes = len(CLASSES)
    class_names = tuple(CLASSES)
    palette = tuple(CLASSES.values())

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path, mode: Mode = "train", edge: bool = False
    ) -> None:
        check_mode(mode)
        super().__init__(
            _pairs(find_folder(dataset_root, LAYOUT), mode),
            transforms,
            num_classes=self.num_classes,
            mode=mode,
            edge=edge,
            class_names=self.class_names,
            palette=self.palette,
        )


def _pairs(root: Path, mode: Mode) -> list[Pair]:
    images = sorted((root / "leftImg8bit" / mode).glob("*/*_leftImg8bit.png"))
    if not images:
        raise DataError(f"no pictures in {root / 'leftImg8bit' / mode}; want {LAYOUT}")
    folder = root / "gtFine" / mode
    names = [f"{image.parent.name}/{image.name.removesuffix('_leftImg8bit.png')}_gtFine" for image in images]
    labels = [folder / f"{name}_labelTrainIds.png" for name in names]
    missing = [label for label in labels if not label.is_file()]
    if missing and mode != "test":
        original = missing[0].with_name(missing[0].name.replace("TrainIds", "Ids"))
        cause = "want " + LAYOUT
        if original.is_file():
            cause = (
                f"{original.name} is there: the label maps must be converted to the 19 classes first: "
                f"segwright data convert_cityscapes --cityscapes_path {root}"
            )
        raise DataError(f"{len(missing)} of {len(images)} pictures have no label map, first {missing[0]}; {cause}")
    absent = set(missing)
    return [Pair(image, None if label in absent else label) for image, label in zip(images, labels, strict=True)]
