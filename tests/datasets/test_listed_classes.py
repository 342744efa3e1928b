"""What a data set is known for can be asked of its class, without any file."""

import inspect

from segwright.datasets import SegmentationDataset
from segwright.registry import DATASETS

PADDLESEG = {  # every name that PaddleSeg registers, but PSSLDataset, whose label maps are no pictures
    "ADE20K": 150,
    "CHASEDB1": 2,
    "Cityscapes": 19,
    "CocoStuff": 171,
    "DRIVE": 2,
    "EG1800": 2,
    "HRF": 2,
    "MiniDeepGlobeRoadExtraction": 2,
    "OpticDiscSeg": 2,
    "PPHumanSeg14K": 2,
    "PascalContext": 60,
    "PascalVOC": 21,
    "STARE": 2,
    "SUPERVISELY": 2,
}


def test_classes_know_their_classes():
    for name, count in (*PADDLESEG.items(), ("CamVid", 11)):
        dataset = DATASETS[name]
        assert issubclass(dataset, SegmentationDataset)
        assert dataset.num_classes == len(dataset.class_names) == len(set(dataset.class_names)) == count
        assert dataset.palette is None or len(dataset.palette) == count


def test_arguments_have_paddleseg_s_names_and_defaults():
    portrait = ["common_transforms", "transforms1", "transforms2", "dataset_root", "mode", "edge"]
    for name in PADDLESEG:
        parameters = inspect.signature(DATASETS[name]).parameters
        want = portrait if name in ("EG1800", "SUPERVISELY") else ["transforms", "dataset_root", "mode", "edge"]
        assert list(parameters) == want
        assert (parameters["mode"].default, parameters["edge"].default) == ("train", False)
        needed = name in ("Cityscapes", "CocoStuff")
        assert (parameters["dataset_root"].default is inspect.Parameter.empty) == needed
