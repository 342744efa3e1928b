"""CamVid: street scenes filmed from a car (Brostow et al., 2009), with the 11 classes of SegNet."""

from segwright.datasets.listed import ListedDataset
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
class CamVid(ListedDataset):
    """Eleven classes; void is 255.

    ::

        camvid/
          images/  labels/
          train.txt  val.txt  test.txt   images/train/0001TP_006690.jpg labels/train/0001TP_006690.png
    """

    layout = "camvid/ with images/, labels/ (ids 0 to 10, void 255) and train.txt, val.txt, test.txt"
    num_classes = len(CLASSES)
    class_names = tuple(CLASSES)
    palette = tuple(CLASSES.values())
    lists = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}
