"""OpticDiscSeg: the optic disc in fundus pictures, from iChallenge-AMD, in the layout PaddleSeg gave it."""

from segwright.datasets.listed import ListedDataset
from segwright.registry import DATASETS


@DATASETS.register
class OpticDiscSeg(ListedDataset):
    """Two classes: background and optic disc."""

    layout = "optic_disc_seg/ with JPEGImages/, Annotations/ and train_list.txt, val_list.txt, test_list.txt"
    num_classes = 2
    class_names = ("background", "optic_disc")
    lists = {"train": "train_list.txt", "val": "val_list.txt", "test": "test_list.txt"}
