"""Data sets whose folder holds list files of known names."""

from pathlib import Path
from typing import ClassVar

from segwright.datasets.base import Mode, Transforms, check_mode
from segwright.datasets.dataset import Dataset
from segwright.datasets.folder import Source, find_folder


class ListedDataset(Dataset):
    """A known data set: its classes, and the list file of each mode, are stated in the class.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder with the list files. If it is not there and the class knows a source, it is downloaded;
            None means the cache, ``$SEGWRIGHT_CACHE/datasets``.
        mode: which of the lists to read.
        edge: training items also hold a boundary map.

    Raises:
        ConfigError: there is no list for ``mode``.
        DataError: files are missing or the list cannot be understood.
    """

    lists: ClassVar[dict[Mode, str]]
    separator: ClassVar[str] = " "
    source: ClassVar[Source | None] = None

    def __init__(
        self, transforms: Transforms, dataset_root: str | Path | None = None, mode: Mode = "train", edge: bool = False
    ) -> None:
        check_mode(mode, tuple(self.lists))
        root = find_folder(dataset_root, self.layout, self.source).absolute()
        paths = {name: root / file for name, file in self.lists.items()}
        super().__init__(
            transforms,
            root,
            self.num_classes,
            mode,
            paths.get("train"),
            paths.get("val"),
            paths.get("test"),
            self.separator,
            edge=edge,
            class_names=self.class_names,
        )
