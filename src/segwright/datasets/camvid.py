"""CamVid: street scenes filmed from a car (Brostow et al., 2009), with the 11 classes of SegNet."""

from pathlib import Path

from segwright.datasets.base import Mode, Transforms
from segwright.datasets.dataset import Dataset
from segwright.registry import DATASETS

# Badrinarayanan et al., 2017, https://arxiv.org/abs/1511.00561; names and colours as in their code
CLASSES = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (60, 40, 222),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}


@DATASETS.register
class CamVid(Dataset):
    """Eleven classes; void is 255.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with train.txt, val.txt and test.txt.
        mode: which of them to read.
        edge: training items also hold a boundary map.

    Raises:
        DataError: files are missing or the list cannot be understood.
    """

    layout = "camvid/ with images/, labels/ (ids 0 to 10, void 255) and train.txt, val.txt, test.txt"
    num_classes = len(CLASSES)
    class_names = tuple(CLASSES)
    palette = tuple(CLASSES.values())

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path, mode: Mode = "train", edge: bool = False
    ) -> None:
        root = Path(dataset_root).expanduser().absolute()
        super().__init__(
            transforms,
            dataset_root,
            num_classes=self.num_classes,
            mode=mode,
            train_path=root / "train.txt",
            val_path=root / "val.txt",
            test_path=root / "test.txt",
            edge=edge,
            class_names=self.class_names,
        )
