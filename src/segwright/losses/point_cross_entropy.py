"""Cross entropy at chosen points of the picture."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.losses.cross_entropy import CrossEntropyLoss
from segwright.losses.labels import full_precision
from segwright.registry import LOSSES


@LOSSES.register
class PointCrossEntropyLoss(nn.Module):
    """Cross entropy between logits at points and the label's nearest pixel there (PointRend: Kirillov et al., 2019).

    https://arxiv.org/abs/1912.08193. Points are (x, y) from 0 to 1 across the picture.

    Args:
        weight: one factor per class; default: all 1.
        ignore_index: label id that contributes nothing.
        top_k_percent_pixels: share of points to keep, those with the largest loss; 1 keeps all.
        data_format: ``NCHW``.
        align_corners: whether 0 and 1 are the centres of the outermost pixels, rather than the picture's edges.
    """

    def __init__(
        self,
        weight: list[float] | None = None,
        ignore_index: int = 255,
        top_k_percent_pixels: float = 1.0,
        data_format: Literal["NCHW"] = "NCHW",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.cross_entropy = CrossEntropyLoss(weight, ignore_index, top_k_percent_pixels, data_format=data_format)
        self.align_corners = align_corners

    def forward(
        self, prediction: tuple[Tensor, Tensor], label: Tensor, semantic_weights: Tensor | None = None
    ) -> Tensor:
        """((N, C, P) logits, (N, P, 2) points), (N, H, W) label, optional (N, P) factors -> scalar."""
        logits, points = prediction
        label = label.reshape(len(label), 1, *label.shape[-2:]).float()  # ids below 2^24 are exact
        grid = 2 * full_precision(points).float().unsqueeze(2) - 1
        # A point on the very edge belongs to the outermost pixel, not to the padding beyond.
        at_points = F.grid_sample(label, grid, mode="nearest", padding_mode="border", align_corners=self.align_corners)
        return self.cross_entropy(logits, at_points[:, 0, :, 0].long(), semantic_weights)
