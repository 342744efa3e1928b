"""PP-HumanSeg14K: people in video conferences (Chu et al., 2022), https://arxiv.org/abs/2112.07146."""

from segwright.datasets.listed import ListedDataset
from segwright.registry import DATASETS


@DATASETS.register
class PPHumanSeg14K(ListedDataset):
    """Two classes: background and person. It is handed out on request, hence never downloaded.

    ::

        PP-HumanSeg14K/
          train.txt  val.txt  test.txt   a picture, a space and its label map in each line
    """

    layout = "PP-HumanSeg14K/ with train.txt, val.txt, test.txt and the pictures and label maps that they name"
    num_classes = 2
    class_names = ("background", "person")
    lists = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}
