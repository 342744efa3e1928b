"""Data sets: which picture belongs to which label map. Importing this package fills ``DATASETS``."""

from segwright.datasets.ade20k import ADE20K
from segwright.datasets.base import LabelSurvey, SegmentationDataset
from segwright.datasets.camvid import CamVid
from segwright.datasets.chase_db1 import CHASEDB1
from segwright.datasets.cityscapes import Cityscapes
from segwright.datasets.class_balance import ClassBalance, count_classes
from segwright.datasets.coco_stuff import CocoStuff
from segwright.datasets.dataset import Dataset
from segwright.datasets.drive import DRIVE
from segwright.datasets.eg1800 import EG1800
from segwright.datasets.hrf import HRF
from segwright.datasets.list_file import Pair, read_pairs, shared_images
from segwright.datasets.mini_deep_globe_road_extraction import MiniDeepGlobeRoadExtraction
from segwright.datasets.optic_disc_seg import OpticDiscSeg
from segwright.datasets.packed import Packed
from segwright.datasets.pascal_context import PascalContext
from segwright.datasets.pascal_voc import PascalVOC
from segwright.datasets.pp_humanseg14k import PPHumanSeg14K
from segwright.datasets.stare import STARE
from segwright.datasets.supervisely import SUPERVISELY

__all__ = [
    "ADE20K",
    "CHASEDB1",
    "DRIVE",
    "EG1800",
    "HRF",
    "STARE",
    "SUPERVISELY",
    "CamVid",
    "Cityscapes",
    "ClassBalance",
    "CocoStuff",
    "Dataset",
    "LabelSurvey",
    "MiniDeepGlobeRoadExtraction",
    "OpticDiscSeg",
    "PPHumanSeg14K",
    "Packed",
    "Pair",
    "PascalContext",
    "PascalVOC",
    "SegmentationDataset",
    "count_classes",
    "read_pairs",
    "shared_images",
]
