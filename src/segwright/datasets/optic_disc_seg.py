"""OpticDiscSeg: the optic disc in fundus pictures, from iChallenge-AMD, in the layout PaddleSeg gave it."""

from segwright.datasets.folder import Source
from segwright.datasets.listed import ListedDataset
from segwright.registry import DATASETS


@DATASETS.register
class OpticDiscSeg(ListedDataset):
    """Two classes: background and optic disc.

    ::

        optic_disc_seg/
          JPEGImages/  Annotations/
          train_list.txt  val_list.txt  test_list.txt   JPEGImages/A0001.jpg Annotations/A0001.png
    """

    layout = "optic_disc_seg/ with JPEGImages/, Annotations/ and train_list.txt, val_list.txt, test_list.txt"
    num_classes = 2
    class_names = ("background", "optic_disc")
    lists = {"train": "train_list.txt", "val": "val_list.txt", "test": "test_list.txt"}
    source = Source(
        "https://paddleseg.bj.bcebos.com/dataset/optic_disc_seg.zip", folder="optic_disc_seg", holds="train_list.txt"
    )
