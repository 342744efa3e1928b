"""Squared difference."""

from torch import Tensor, nn

from segwright.losses.elementwise import Reduction, paired, reduce
from segwright.registry import LOSSES


@LOSSES.register
class MSELoss(nn.Module):
    """``(prediction - target)^2`` over maps of numbers.

    Args:
        reduction: ``mean`` over the elements that count, their ``sum``, or ``none``: a map as large as the target.
        ignore_index: number that marks elements of the target which do not count. PaddleSeg states 255 and then counts
            every element; here too every element counts, unless a number is given.
    """

    def __init__(self, reduction: Reduction = "mean", ignore_index: int | None = None) -> None:
        super().__init__()
        self.reduction = reduction
        self.ignore_index = ignore_index

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Two maps (N, C, ...) of one shape -> scalar; 0 when every element is ignored."""
        prediction, target = paired(prediction, target)
        return reduce((prediction - target).square(), target, self.ignore_index, self.reduction)
