"""A thousand satellite pictures with their roads, from DeepGlobe (Demir et al., 2018), https://arxiv.org/abs/1805.06561."""

from segwright.datasets.folder import Source
from segwright.datasets.listed import ListedDataset
from segwright.registry import DATASETS


@DATASETS.register
class MiniDeepGlobeRoadExtraction(ListedDataset):
    """Two classes: background and road; 800 pictures for training, 200 for evaluation.

    ::

        MiniDeepGlobeRoadExtraction/
          train.txt  val.txt   a picture, a bar (|) and its label map in each line
    """

    layout = "MiniDeepGlobeRoadExtraction/ with train.txt, val.txt and the pictures and label maps that they name"
    num_classes = 2
    class_names = ("background", "road")
    lists = {"train": "train.txt", "val": "val.txt"}
    separator = "|"
    source = Source(
        "https://paddleseg.bj.bcebos.com/dataset/MiniDeepGlobeRoadExtraction.zip",
        folder="MiniDeepGlobeRoadExtraction",
        holds="train.txt",
    )
