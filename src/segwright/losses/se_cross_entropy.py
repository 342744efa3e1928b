"""Which classes are in the picture."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.labels import full_precision
from segwright.registry import LOSSES


@LOSSES.register
class SECrossEntropyLoss(nn.Module):
    """Binary cross entropy of the presence of each class: EncNet's semantic encoding loss.

    Zhang et al., 2018, https://arxiv.org/abs/1803.08904.

    Args:
        ignore_index: label id that is no class. A picture of nothing else says nothing, and contributes nothing.
    """

    def __init__(self, ignore_index: int = 255) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C) or (N, C, 1, 1) logits and (N, H, W) label -> scalar. Ids that are no class of the logits are skipped.

        Raises:
            DataError: the logits are a map.
        """
        if logits.shape[2:].numel() != 1:
            raise DataError(f"SECrossEntropyLoss wants one logit per class, got logits of shape {tuple(logits.shape)}")
        logits = full_precision(logits).flatten(1)
        ids, num_classes = label.flatten(1), logits.shape[1]
        known = (ids != self.ignore_index) & (ids >= 0) & (ids < num_classes)
        present = logits.new_zeros(len(logits), num_classes + 1)  # the last column takes what is no class
        present = present.scatter(1, torch.where(known, ids, num_classes).long(), 1.0)[:, :-1]

        loss = F.binary_cross_entropy_with_logits(logits, present, reduction="none").mean(dim=1)  # (N,)
        counted = known.any(dim=1)
        return (loss * counted).sum() / counted.sum().clamp(min=1)
