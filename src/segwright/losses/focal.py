"""Focal loss for two classes, each with a sigmoid of its own."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-10  # keeps the quotient finite when every pixel is ignored


@LOSSES.register
class FocalLoss(nn.Module):
    """Mean of ``-a (1 - q)^gamma log q`` over two channels, q being the probability of the right answer.

    Lin et al., 2017, https://arxiv.org/abs/1708.02002, equation 5. The right answer of the channel of the pixel's class
    is yes, with a = ``alpha``; that of the other channel is no, with a = ``1 - alpha``.

    Args:
        alpha: weight of yes, from 0 to 1.
        gamma: how much less easy pixels count; 0 is the plain cross entropy.
        ignore_index: label id that contributes nothing.

    Raises:
        ConfigError: ``alpha`` is not from 0 to 1, or ``gamma`` is negative.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, ignore_index: int = 255) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ConfigError(f"alpha is a weight from 0 to 1, got {alpha}")
        if gamma < 0:
            raise ConfigError(f"gamma is 0 or more, got {gamma}")
        self.alpha = alpha
        self.gamma = gamma
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, 2, H, W) float logits and (N, H, W) label of 0 and 1 -> scalar; 0 when every pixel is ignored.

        Raises:
            DataError: there are not two channels.
        """
        if logits.shape[1] != 2:
            raise DataError(
                f"FocalLoss wants logits of two classes, but the model predicts {logits.shape[1]}; "
                "take MultiClassFocalLoss"
            )
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)

        yes = torch.stack([label == 0, label == 1], dim=1)  # (N, 2, H, W)
        right = torch.where(yes, logits, -logits)  # logit of the right answer
        # As powers of e: the base 1 - q may be 0, where a power below 1 has no finite gradient.
        loss = F.softplus(-right) * torch.exp(-self.gamma * F.softplus(right))
        loss = torch.where(yes, self.alpha * loss, (1 - self.alpha) * loss) * valid.unsqueeze(1)
        return loss.sum() / (2 * valid.sum() + EPS)
