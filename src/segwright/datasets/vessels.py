"""Blood vessels in pictures of the retina: four data sets in the layout that PaddleSeg gave them."""

from segwright.datasets.folder import Source
from segwright.datasets.listed import ListedDataset


class VesselDataset(ListedDataset):
    """Two classes: background and vessel, 0 and 1 in the label maps."""

    layout = "a folder with train_list.txt, val_list.txt and the pictures and label maps (0, vessels 1) that they name"
    num_classes = 2
    class_names = ("background", "vessel")
    lists = {"train": "train_list.txt", "val": "val_list.txt"}


def vessel_source(name: str) -> Source:
    """Where PaddleSeg keeps one of these data sets."""
    return Source(
        f"https://bj.bcebos.com/paddleseg/dataset/{name}/{name}.zip", folder=name, holds=VesselDataset.lists["train"]
    )
