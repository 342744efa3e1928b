"""Focal loss for any number of classes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-10  # keeps the quotient finite when every pixel is ignored


@LOSSES.register
class MultiClassFocalLoss(nn.Module):
    """Mean of ``-alpha (1 - p)^gamma log p``, p being the softmax of the true class (Lin et al., 2017).

    https://arxiv.org/abs/1708.02002

    Args:
        num_class: classes of the logits; default: as many as they have.
        alpha: factor of the whole.
        gamma: how much less easy pixels count; 0 is the plain cross entropy.
        ignore_index: label id that contributes nothing.

    Raises:
        ConfigError: ``gamma`` is negative.
    """

    def __init__(
        self, num_class: int | None = None, alpha: float = 1.0, gamma: float = 2.0, ignore_index: int = 255
    ) -> None:
        super().__init__()
        if gamma < 0:
            raise ConfigError(f"gamma is 0 or more, got {gamma}")
        self.num_class = num_class
        self.alpha = alpha
        self.gamma = gamma
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored.

        Raises:
            DataError: the logits are of another number of classes.
        """
        if self.num_class not in (None, logits.shape[1]):
            raise DataError(
                f"MultiClassFocalLoss has num_class: {self.num_class}, but the model predicts {logits.shape[1]} classes"
            )
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)

        cross_entropy = F.cross_entropy(logits, label, reduction="none")  # -log p
        # Never 0, where a power below 1 has no finite gradient.
        wrong = -torch.expm1(-cross_entropy).clamp(max=-torch.finfo(logits.dtype).tiny)
        loss = self.alpha * wrong**self.gamma * cross_entropy * valid
        return loss.mean() / (valid.to(loss.dtype).mean() + EPS)
