"""Dice loss: one minus the overlap of probabilities and truth."""

from torch import Tensor, nn

from segwright.losses.labels import class_weights, full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-8


@LOSSES.register
class DiceLoss(nn.Module):
    """``1 - (2 sum(p y) + s) / (sum(p) + sum(y) + s)`` per image and class, averaged (Milletari et al., 2016).

    https://arxiv.org/abs/1606.04797, equation for D in section 3, without the squares.

    Args:
        weight: one factor per class; default: all 1. The mean is over all classes either way.
        ignore_index: label id that contributes nothing.
        smooth: ``s``; lets a class that is absent everywhere cost nothing.
    """

    def __init__(self, weight: list[float] | None = None, ignore_index: int = 255, smooth: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.ignore_index = ignore_index
        self.smooth = smooth

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar. Leaves both as they were."""
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        weight = class_weights(self.weight, logits.shape[1], logits)

        probs = logits.softmax(dim=1) * valid.unsqueeze(1)
        ids, counted = label.flatten(1), valid.flatten(1).to(probs.dtype)  # (N, P)
        of_true_class = probs.gather(1, label.unsqueeze(1)).flatten(1)  # (N, P)
        empty = probs.new_zeros(probs.shape[:2])  # (N, C)
        overlap = empty.scatter_add(1, ids, of_true_class)
        area = probs.flatten(2).sum(dim=2) + empty.scatter_add(1, ids, counted)

        loss = 1 - (2 * overlap + self.smooth) / (area + self.smooth + EPS)
        loss = loss.mean(dim=0)  # (C,)
        return loss.mean() if weight is None else (loss * weight).mean()
