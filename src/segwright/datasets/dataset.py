"""Any pictures and label maps, named by list files."""

from collections.abc import Sequence
from pathlib import Path

from segwright.datasets.base import Mode, SegmentationDataset, Transforms, check_mode
from segwright.datasets.folder import find_folder
from segwright.datasets.list_file import read_pairs
from segwright.errors import ConfigError, DataError, suggest
from segwright.registry import DATASETS

LAYOUT = "a folder that holds the pictures and label maps which train_path, val_path and test_path name"


@DATASETS.register
class Dataset(SegmentationDataset):
    """Pairs from text files with one ``image<separator>label`` a line.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        dataset_root: folder that names in the lists are relative to.
        num_classes: classes, background included, ignored pixels not.
        mode: which list to read, and whether label maps are transformed ("train") or left at their size.
        train_path: list for mode "train"; relative to the working directory, or else to ``dataset_root``.
        val_path: list for mode "val".
        test_path: list for mode "test"; its lines may hold pictures only.
        separator: what stands between image and label.
        ignore_index: id of pixels that do not count.
        edge: training items also hold a boundary map.
        img_channels: bands that the transforms deliver; a ``Compose`` knows its own.
        class_names: one for each class.
        bit_depth: bits that pictures with more than 8 bits per value really use.
        multilabel: a pixel may have several labels, or none: a label file holds a map of 0 and 1 for each class, side
            by side. ``--use_multilabel`` sets it.

    Raises:
        ConfigError: arguments contradict each other, or the list for ``mode`` is not given.
        DataError: files are missing or the list cannot be understood.
    """

    layout = LAYOUT
    """What ``dataset_root`` has to hold, for the message when it is not there."""

    def __init__(
        self,
        transforms: Transforms,
        dataset_root: str | Path,
        num_classes: int,
        mode: Mode = "train",
        train_path: str | Path | None = None,
        val_path: str | Path | None = None,
        test_path: str | Path | None = None,
        separator: str = " ",
        ignore_index: int = 255,
        edge: bool = False,
        img_channels: int = 3,
        class_names: Sequence[str] | None = None,
        bit_depth: int | None = None,
        multilabel: bool = False,
    ) -> None:
        check_mode(mode)
        if not separator:
            raise ConfigError("separator is empty; it is what stands between image and label, like ' ' or ','")
        root = find_folder(dataset_root, self.layout)
        list_path = {"train": train_path, "val": val_path, "test": test_path}[mode]
        if list_path is None:
            raise ConfigError(f"mode {mode} needs {mode}_path, the text file that lists its pictures")
        found = next((path for path in (Path(list_path).expanduser(), root / list_path) if path.is_file()), None)
        if found is None:
            near = suggest(Path(list_path).name, (path.name for path in root.glob("*.txt")))
            raise DataError(f"{mode}_path {list_path} is neither below {Path.cwd()} nor below {root}; {near}")
        super().__init__(
            read_pairs(found, root, separator=separator, need_label=mode != "test"),
            transforms,
            num_classes=num_classes,
            mode=mode,
            ignore_index=ignore_index,
            edge=edge,
            img_channels=img_channels,
            bit_depth=bit_depth,
            class_names=class_names,
            palette=self.palette,
            multilabel=multilabel,
        )
