"""Faces from Supervisely's people, https://supervise.ly, as PortraitNet chose and divided them."""

from pathlib import Path

from segwright.datasets.folder import Source
from segwright.datasets.list_file import Pair
from segwright.datasets.portraits import PortraitDataset
from segwright.registry import DATASETS


@DATASETS.register
class SUPERVISELY(PortraitDataset):
    """In the label maps 0 is background, and whatever else they hold is the person.

    ::

        Supervisely_face/
          SuperviselyPerson_ds1/img/x.png  SuperviselyPerson_ds1/ann/x.png   and so on
          supervisely_face_train_easy.txt  supervisely_face_test_easy.txt    Supervisely_face/.../img/x.png in each line
    """

    layout = (
        "Supervisely_face/ with SuperviselyPerson_ds*/img/, SuperviselyPerson_ds*/ann/, "
        "supervisely_face_train_easy.txt and supervisely_face_test_easy.txt"
    )
    source = Source(
        "https://paddleseg.bj.bcebos.com/dataset/Supervisely_face.zip",
        folder="Supervisely_face",
        holds="supervisely_face_train_easy.txt",
    )
    lists = {
        "train": "supervisely_face_train_easy.txt",
        "val": "supervisely_face_test_easy.txt",
        "test": "supervisely_face_test_easy.txt",
    }
    stored_ids = {number: int(number > 0) for number in range(256)}

    @staticmethod
    def pair(root: Path, name: str) -> Pair:
        """A line begins with the folder's own name, whatever the folder is called here."""
        _, _, place = name.partition("/")
        return Pair(root / place, root / place.replace("/img/", "/ann/"))
