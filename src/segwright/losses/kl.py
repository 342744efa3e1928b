"""Kullback-Leibler divergence between two predictions."""

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-8  # keeps the quotient finite when every pixel is ignored


@LOSSES.register
class KLLoss(nn.Module):
    """``T^2 p_2 (log p_2 - log p_1)`` with ``p = softmax(logits / T)``: how far the first is from the second.

    This is the soft target loss of Hinton et al., 2015 (https://arxiv.org/abs/1503.02531), and PortraitNet's
    consistency loss between a picture and a distorted copy. It is the mean over classes too, not their sum. The second
    prediction is the aim, and receives no gradient. In training these are the model's first two outputs.

    Args:
        ignore_index: label id whose pixels contribute nothing.
        temperature: ``T``; the larger, the more the small probabilities matter.

    Raises:
        ConfigError: the temperature is not above 0.
    """

    compares = (0, 1)

    def __init__(self, ignore_index: int = 255, temperature: float = 1) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigError(f"temperature is a number above 0, got {temperature}")
        self.ignore_index = ignore_index
        self.temperature = temperature

    def forward(self, logits: Tensor, aim: Tensor, label: Tensor | None = None) -> Tensor:
        """Two (N, C, H, W) logits and the (N, H, W) label, without which all pixels count -> scalar.

        Raises:
            DataError: the shapes differ.
        """
        if logits.shape != aim.shape:
            raise DataError(f"KLLoss compares logits of one shape, got {tuple(logits.shape)} and {tuple(aim.shape)}")
        log_probs, log_aim = (
            F.log_softmax(full_precision(each) / self.temperature, dim=1) for each in (logits, aim.detach())
        )
        loss = F.kl_div(log_probs, log_aim, reduction="none", log_target=True).mean(dim=1)  # (N, H, W)
        loss = loss * self.temperature**2
        if label is None:
            return loss.mean()
        _, valid = prepare_label(logits, label, self.ignore_index)
        return (loss * valid).mean() / (valid.to(loss.dtype).mean() + EPS)
