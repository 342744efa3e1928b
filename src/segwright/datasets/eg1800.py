"""EG1800: portraits (Shen et al., 2016), https://doi.org/10.1111/cgf.12814, as PortraitNet divides them."""

from pathlib import Path

from segwright.datasets.folder import Source
from segwright.datasets.list_file import Pair
from segwright.datasets.portraits import PortraitDataset
from segwright.registry import DATASETS


@DATASETS.register
class EG1800(PortraitDataset):
    """In the label maps 1 is the person; whatever else they hold is background.

    ::

        EG1800/
          Images/00001.png  Labels/00001.png
          eg1800_train.txt  eg1800_test.txt   one name a line
    """

    layout = "EG1800/ with Images/, Labels/, eg1800_train.txt and eg1800_test.txt"
    source = Source("https://paddleseg.bj.bcebos.com/dataset/EG1800.zip", folder="EG1800", holds="eg1800_train.txt")
    lists = {"train": "eg1800_train.txt", "val": "eg1800_test.txt", "test": "eg1800_test.txt"}
    stored_ids = {number: int(number == 1) for number in range(256)}

    @staticmethod
    def pair(root: Path, name: str) -> Pair:
        """Picture and label map have the same name."""
        return Pair(root / "Images" / name, root / "Labels" / name)
