"""What a data set is known for can be asked of its class, without any file."""

from segwright.datasets import CamVid, Cityscapes, OpticDiscSeg


def test_classes_know_their_classes():
    for dataset, count in ((CamVid, 11), (Cityscapes, 19), (OpticDiscSeg, 2)):
        assert dataset.num_classes == len(dataset.class_names) == count
        assert dataset.palette is None or len(dataset.palette) == count
