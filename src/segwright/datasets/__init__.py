"""Data sets: which picture belongs to which label map. Importing this package fills ``DATASETS``."""

from segwright.datasets.base import LabelSurvey, SegmentationDataset
from segwright.datasets.camvid import CamVid
from segwright.datasets.cityscapes import Cityscapes
from segwright.datasets.dataset import Dataset
from segwright.datasets.list_file import Pair, read_pairs, shared_images
from segwright.datasets.optic_disc_seg import OpticDiscSeg

__all__ = [
    "CamVid",
    "Cityscapes",
    "Dataset",
    "LabelSurvey",
    "OpticDiscSeg",
    "Pair",
    "SegmentationDataset",
    "read_pairs",
    "shared_images",
]
