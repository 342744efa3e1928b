"""Resampling of feature maps."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def resize_to(x: Tensor, target: Tensor | Sequence[int], align_corners: bool = False) -> Tensor:
    """Resize ``x`` bilinearly to the height and width of ``target``.

    Args:
        x: (N, C, h, w) features or logits.
        target: a tensor (..., H, W), or H and W themselves.
        align_corners: whether the centres of the corner pixels, instead of the images' edges, fall together.

    Returns:
        (N, C, H, W) tensor.
    """
    size = target.shape[-2:] if isinstance(target, Tensor) else tuple(target)
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)
