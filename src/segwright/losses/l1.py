"""Absolute difference."""

from torch import Tensor, nn

from segwright.losses.elementwise import Reduction, paired, reduce
from segwright.registry import LOSSES


@LOSSES.register
class L1Loss(nn.Module):
    """``|prediction - target|`` over maps of numbers.

    Args:
        reduction: ``mean`` over the elements that count, their ``sum``, or ``none``: a map as large as the target.
        ignore_index: number that marks elements of the target which do not count.
    """

    def __init__(self, reduction: Reduction = "mean", ignore_index: int = 255) -> None:
        super().__init__()
        self.reduction = reduction
        self.ignore_index = ignore_index

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Two maps (N, C, ...) of one shape -> scalar; 0 when every element is ignored."""
        prediction, target = paired(prediction, target)
        return reduce((prediction - target).abs(), target, self.ignore_index, self.reduction)
