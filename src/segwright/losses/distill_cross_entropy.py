"""Cross entropy with a teacher's probabilities in place of the truth."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.cross_entropy import checked_share, mean_of_counted, mean_of_hardest
from segwright.losses.labels import class_weights, full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class DistillCrossEntropyLoss(nn.Module):
    """Mean of ``-w p . log softmax(student)`` with ``p = softmax(teacher)`` (Hinton et al., 2015).

    https://arxiv.org/abs/1503.02531, at temperature 1. The label only says which pixels count, and for how
    much. The teacher receives no gradient.

    Args:
        weight: one factor per class; default: all 1. A pixel's is the mean under the teacher's probabilities.
        ignore_index: label id whose pixels contribute nothing.
        top_k_percent_pixels: share of pixels to keep, those with the largest loss; 1 keeps all.
        data_format: layout of the logits, ``NCHW`` or ``NHWC``.
    """

    takes = ("teacher", "label")

    def __init__(
        self,
        weight: list[float] | None = None,
        ignore_index: int = 255,
        top_k_percent_pixels: float = 1.0,
        data_format: Literal["NCHW", "NHWC"] = "NCHW",
    ) -> None:
        super().__init__()
        self.weight = weight
        self.ignore_index = ignore_index
        self.top_k_percent_pixels = checked_share(top_k_percent_pixels)
        self.data_format = data_format

    def forward(
        self, student: Tensor, teacher: Tensor, label: Tensor, semantic_weights: Tensor | None = None
    ) -> Tensor:
        """Two (N, C, H, W) logits, (N, H, W) label, optional (N, H, W) factors per pixel -> scalar.

        Raises:
            DataError: the logits differ in shape.
        """
        if student.shape != teacher.shape:
            raise DataError(
                f"student and teacher want logits of one shape, got {tuple(student.shape)} and {tuple(teacher.shape)}"
            )
        if self.data_format == "NHWC":
            student, teacher = (logits.permute(0, 3, 1, 2) for logits in (student, teacher))
        student, aim = full_precision(student), full_precision(teacher.detach()).softmax(dim=1)
        label, valid = prepare_label(student, label, self.ignore_index)
        weight = class_weights(self.weight, student.shape[1], student)

        loss = F.cross_entropy(student, aim, reduction="none") * valid  # (N, H, W)
        if weight is not None:
            loss = loss * (aim * weight.view(-1, 1, 1)).sum(dim=1)
        if semantic_weights is not None:
            loss = loss * semantic_weights
        if self.top_k_percent_pixels < 1:
            return mean_of_hardest(loss, label, weight, self.top_k_percent_pixels)
        return mean_of_counted(loss, label, valid, weight)
