"""Cross entropy over the pixels that are predicted worst."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import class_weights, full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class OhemCrossEntropyLoss(nn.Module):
    """Online hard example mining (Shrivastava et al., 2016, https://arxiv.org/abs/1604.03540) over pixels.

    A pixel is kept when the probability of its true class is below a limit: ``thresh``, or the ``min_kept``-th
    smallest probability of the batch where that is larger. Pixels at the limit itself are left out, so that
    ``min_kept - 1`` of them remain in the second case. A batch of up to ``min_kept`` valid pixels keeps them all.

    Args:
        thresh: probability below which a pixel is hard.
        min_kept: pixels to keep, about, when fewer are hard; counted over the whole batch. 0 keeps every valid pixel
            and leaves ``thresh`` without effect.
        ignore_index: label id that contributes nothing.
        weight: one factor per class; default: all 1. The sum is divided by the number of pixels, not by weights.

    Raises:
        ConfigError: ``thresh`` is not a probability, or ``min_kept`` is negative.
    """

    eps = 1e-5  # keeps the quotient finite when no pixel is kept

    def __init__(
        self,
        thresh: float = 0.7,
        min_kept: int = 10000,
        ignore_index: int = 255,
        weight: list[float] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= thresh <= 1:
            raise ConfigError(f"thresh is a probability from 0 to 1, got {thresh}")
        if min_kept < 0:
            raise ConfigError(f"min_kept is a number of pixels, got {min_kept}")
        self.thresh = thresh
        self.min_kept = min_kept
        self.ignore_index = ignore_index
        self.weight = weight

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored."""
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        weight = class_weights(self.weight, logits.shape[1], logits)

        loss = F.cross_entropy(logits, label, reduction="none")  # (N, H, W)
        kept = valid if self.min_kept == 0 else valid & self._is_hard(loss.detach(), valid)
        if weight is not None:
            loss = loss * weight[label]
        return (loss * kept).mean() / (kept.to(loss.dtype).mean() + self.eps)

    def _is_hard(self, loss: Tensor, valid: Tensor) -> Tensor:
        """Map of pixels below the limit; ``loss`` is minus the logarithm of the true class's probability."""
        probs = torch.where(valid, torch.exp(-loss), math.inf)
        worst = probs.flatten().kthvalue(min(self.min_kept, probs.numel())).values
        # As tensors, lest an accelerator has to be waited for.
        limit = torch.where(valid.sum() > self.min_kept, worst.clamp(min=self.thresh), math.inf)
        return probs < limit
