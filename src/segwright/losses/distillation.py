"""Distance between the features of a teacher and of a student."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.labels import full_precision
from segwright.registry import LOSSES


@LOSSES.register
class DistillationLoss(nn.Module):
    """``sum_l mean |t_l / |t_l| - s_l / |s_l||^2`` over feature maps l (STFPM: Wang et al., 2021).

    https://arxiv.org/abs/2103.04257, without its factor of one half. The vectors are those of the channels at a place,
    and the mean is over places. The teacher receives no gradient.

    Args:
        reduction: ``mean`` is the only one.
    """

    takes = ()

    def __init__(self, reduction: Literal["mean"] = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, features: tuple[Sequence[Tensor], Sequence[Tensor]]) -> Tensor:
        """(student's maps, teacher's maps), each (N, C_l, H_l, W_l) -> scalar.

        Raises:
            DataError: the two do not have the same number of maps.
        """
        student, teacher = features
        if len(student) != len(teacher):
            raise DataError(f"the student has {len(student)} feature maps, but the teacher has {len(teacher)}")
        distances = [
            (F.normalize(full_precision(mine)) - F.normalize(full_precision(aim.detach()))).square().sum(dim=1).mean()
            for mine, aim in zip(student, teacher, strict=True)
        ]
        return torch.stack(distances).sum()
