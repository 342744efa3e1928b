"""Cross entropy over the pixels of each image that are predicted worst."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import class_weights, full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class BootstrappedCrossEntropyLoss(nn.Module):
    """Mean over pixels that lose more than a threshold, but over ``min_K`` of them at least (Wu et al., 2016).

    https://arxiv.org/abs/1605.06885. The choice is made in each image by itself, and the images are averaged. Ignored
    pixels have a loss of 0, and so take part only where fewer than ``min_K`` others are left.

    Args:
        min_K: fewest pixels of an image that count, those with the largest loss; all, if the image has fewer.
        loss_th: loss above which a pixel counts, if more than ``min_K`` are above it.
        weight: one factor per class; default: all 1. It applies before the choice.
        ignore_index: label id that contributes nothing.

    Raises:
        ConfigError: ``min_K`` is below 1.
    """

    def __init__(
        self,
        min_K: int,  # noqa: N803  (PaddleSeg's name)
        loss_th: float,
        weight: list[float] | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        if min_K < 1:
            raise ConfigError(f"min_K is a number of pixels, 1 or more, got {min_K}")
        self.min_kept = min_K
        self.threshold = loss_th
        self.weight = weight
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored."""
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        weight = class_weights(self.weight, logits.shape[1], logits)

        loss = F.cross_entropy(logits, label, weight=weight, reduction="none") * valid
        loss = loss.flatten(1)  # (N, P)
        hard = loss > self.threshold
        num_hard = hard.sum(dim=1)
        of_hard = (loss * hard).sum(dim=1) / num_hard.clamp(min=1)
        of_worst = loss.topk(min(self.min_kept, loss.shape[1]), dim=1, sorted=False).values.mean(dim=1)
        return torch.where(num_hard > self.min_kept, of_hard, of_worst).mean()
