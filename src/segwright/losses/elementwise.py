"""What losses over maps of numbers, rather than of class ids, share."""

from typing import Literal

import torch
from torch import Tensor

from segwright.errors import DataError
from segwright.losses.labels import full_precision

Reduction = Literal["mean", "sum", "none"]

EPS = 1e-10  # keeps the quotient finite when every element is ignored


def paired(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both maps in the prediction's type, float32 at least, and of one shape.

    Args:
        prediction: (N, C, ...) float.
        target: of the same shape; a single channel may be left out.

    Raises:
        DataError: the shapes differ, where broadcasting would compare strangers.
    """
    if prediction.ndim == target.ndim + 1 and prediction.shape[1] == 1:
        target = target.unsqueeze(1)
    if prediction.shape != target.shape:
        raise DataError(
            f"a prediction of shape {tuple(prediction.shape)} wants a target of the same shape, "
            f"got {tuple(target.shape)}; this loss compares numbers, not class ids"
        )
    prediction = full_precision(prediction)
    return prediction, target.to(prediction.dtype)


def reduce(loss: Tensor, target: Tensor, ignore_index: int | None, reduction: Reduction) -> Tensor:
    """Mean or sum over the elements whose target is not ``ignore_index``, or the map with zeros for the others."""
    counted = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    loss = torch.where(counted, loss, 0)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    return loss.mean() / (counted.to(loss.dtype).mean() + EPS)
