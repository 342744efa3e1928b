"""Data sets whose folder holds list files of known names."""

from pathlib import Path
from typing import ClassVar

from segwright.datasets.base import Mode, Transforms
from segwright.datasets.dataset import Dataset


class ListedDataset(Dataset):
    """A known data set: its classes, and the list file of each mode, are stated in the class.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with the list files.
        mode: which of them to read.
        edge: training items also hold a boundary map.

    Raises:
        DataError: files are missing or the list cannot be understood.
    """

    lists: ClassVar[dict[Mode, str]]

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path, mode: Mode = "train", edge: bool = False
    ) -> None:
        root = Path(dataset_root).expanduser().absolute()
        train_path, val_path, test_path = (root / self.lists[name] for name in ("train", "val", "test"))
        super().__init__(
            transforms,
            dataset_root,
            self.num_classes,
            mode,
            train_path,
            val_path,
            test_path,
            edge=edge,
            class_names=self.class_names,
        )
