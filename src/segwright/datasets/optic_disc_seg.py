"""OpticDiscSeg: the optic disc in fundus pictures, from iChallenge-AMD, in the layout PaddleSeg gave it."""

from pathlib import Path

from segwright.datasets.base import Mode, Transforms
from segwright.datasets.dataset import Dataset
from segwright.registry import DATASETS


@DATASETS.register
class OpticDiscSeg(Dataset):
    """Two classes: background and optic disc.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with train_list.txt, val_list.txt and test_list.txt.
        mode: which of them to read.
        edge: training items also hold a boundary map.

    Raises:
        DataError: files are missing or the list cannot be understood.
    """

    layout = "optic_disc_seg/ with JPEGImages/, Annotations/ and train_list.txt, val_list.txt, test_list.txt"
    num_classes = 2
    class_names = ("background", "optic_disc")

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path, mode: Mode = "train", edge: bool = False
    ) -> None:
        root = Path(dataset_root).expanduser().absolute()
        super().__init__(
            transforms,
            dataset_root,
            num_classes=self.num_classes,
            mode=mode,
            train_path=root / "train_list.txt",
            val_path=root / "val_list.txt",
            test_path=root / "test_list.txt",
            edge=edge,
            class_names=self.class_names,
        )
