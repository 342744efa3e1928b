"""What some losses compare with, made of the label map. Without a label map these transforms do nothing."""

from dataclasses import replace

import cv2
import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.types import Sample

RIM = 6  # pixels along the picture's rim that AddEdgeLabel leaves without a boundary


@TRANSFORMS.register
class AddEdgeLabel:
    """Add a boundary map, as PIDNet trains with (Xu et al., 2022, https://arxiv.org/abs/2206.02066).

    It follows the label map through later transforms: new pixels have the label's padding value there. This map is
    Canny's edges, broadened by a square; ``edge: True`` of a data set adds another, with all pixels near a boundary.

    Args:
        edge_size: side of the square, in pixels.

    Raises:
        ConfigError: a side that is not positive.
        DataError: when called with a label map that is not of 8 bits and two dimensions.
    """

    def __init__(self, edge_size: int = 4) -> None:
        if edge_size < 1:
            raise ConfigError(f"AddEdgeLabel.edge_size is a whole number of pixels above zero; got {edge_size!r}")
        self.edge_size = edge_size

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        if sample.label is None:
            return sample
        if sample.label.ndim != 2 or sample.label.dtype != np.uint8:
            raise DataError(
                f"AddEdgeLabel takes (H, W) label maps of ids up to 255; got {sample.label.dtype} of shape "
                f"{sample.label.shape}"
            )
        found = cv2.Canny(sample.label, 0.1, 0.2)  # any step between ids counts
        edge = np.zeros_like(found)
        edge[RIM:-RIM, RIM:-RIM] = found[RIM:-RIM, RIM:-RIM] > 0
        return replace(sample, edge=cv2.dilate(edge, np.ones((self.edge_size, self.edge_size), np.uint8)))


@TRANSFORMS.register
class AddMultiLabelAuxiliaryCategory:
    """Put a class before the others of a multi-label map that is there where none of them is.

    Raises:
        DataError: when called with a label map that is not (H, W, K) of 0 and 1 (and 255, which stays ignored).
    """

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        if sample.label is None:
            return sample
        if sample.label.ndim != 3:
            raise DataError(
                "AddMultiLabelAuxiliaryCategory takes multi-label maps, (H, W, K) of 0 and 1; "
                f"got one of shape {sample.label.shape}; remove it"
            )
        highest = sample.label.max(axis=2, keepdims=True)
        none = np.where(highest > 1, highest, 1 - np.minimum(highest, 1))
        return replace(sample, label=np.concatenate([none, sample.label], axis=2))


@TRANSFORMS.register
class GenerateInstanceTargets:
    """Add one mask for each class that a label map holds, as MaskFormer's loss compares with.

    (Cheng et al., 2021, https://arxiv.org/abs/2107.06278.) Stands behind all transforms that move pixels.

    ``targets`` gets ``gt_classes``, (``num_classes``,) int64: the ids that occur, in order, filled up with
    ``ignore_index``; and ``gt_masks``, (``num_classes``, H, W) uint8: 1 where the label map has that id, filled up
    with zeros.

    Args:
        num_classes: most ids that a label map holds.
        ignore_index: id of pixels that do not count.

    Raises:
        ConfigError: a number of classes that is not positive.
        DataError: when called with a label map that holds more ids, or with several maps.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        if num_classes < 1:
            raise ConfigError(f"GenerateInstanceTargets.num_classes is a whole number above zero; got {num_classes!r}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        if sample.label is None:
            return sample
        if sample.label.ndim != 2:
            raise DataError(
                f"GenerateInstanceTargets takes (H, W) label maps of ids; got one of shape {sample.label.shape}"
            )
        ids = np.unique(sample.label)
        ids = ids[ids != self.ignore_index]
        if len(ids) > self.num_classes:
            raise DataError(
                f"a label map holds {len(ids)} classes, but GenerateInstanceTargets.num_classes is {self.num_classes}"
            )
        classes = np.full(self.num_classes, self.ignore_index, np.int64)
        classes[: len(ids)] = ids
        masks = np.zeros((self.num_classes, *sample.label.shape), np.uint8)
        for mask, value in zip(masks, ids, strict=False):
            np.equal(sample.label, value, out=mask, casting="unsafe")
        return replace(sample, targets={**sample.targets, "gt_classes": classes, "gt_masks": masks})


LabelTransform = AddEdgeLabel | AddMultiLabelAuxiliaryCategory | GenerateInstanceTargets
"""Those that leave the image alone."""
