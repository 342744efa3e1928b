"""The Lovasz extension of the Jaccard loss (Berman et al., 2018, https://arxiv.org/abs/1705.08790)."""

import torch
import torch.nn.functional as F
from torch import Tensor

BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


def jaccard_extension(errors: Tensor, foreground: Tensor) -> Tensor:
    """One minus the intersection over union, made piecewise linear in the errors of the pixels.

    Args:
        errors: float32 or float64 of any shape, 0 or more; how wrong each pixel is. A pixel with an error of 0 that is
            not of the class might as well not be there, which is how to leave one out.
        foreground: bool, of the same shape; pixels that are of the class.

    Returns:
        Scalar. Where no pixel is of the class it is the largest error.
    """
    with torch.no_grad():
        slopes = _slopes(errors.flatten(), foreground.flatten())
    return (errors.flatten() * slopes).sum()


def _slopes(errors: Tensor, foreground: Tensor) -> Tensor:
    """What the Jaccard loss grows by when a pixel turns wrong after all those with larger errors: (P,), algorithm 1."""
    # The bits of positive floats are ordered as they are, and torch sorts integers several times as fast.
    order = errors.view(BITS[errors.dtype]).argsort()
    is_class = foreground[order]
    right = is_class.cumsum(0) - is_class.long()  # pixels of the class with smaller errors: the intersection
    position = torch.arange(len(errors), device=errors.device)
    union = len(errors) - (position - right)  # all but the other pixels with smaller errors
    loss = 1 - right.to(errors.dtype) / union
    slopes = loss - F.pad(loss[1:], (0, 1))
    return torch.empty_like(slopes).scatter_(0, order, slopes)
