"""A surrogate of the intersection over union of one class against the rest."""

import torch
from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.losses.lovasz import jaccard_extension
from segwright.registry import LOSSES

EPS = 1e-9


@LOSSES.register
class LovaszHingeLoss(nn.Module):
    """Lovasz extension of ``1 - IoU`` of class 1 over the whole batch, on hinge errors (Berman et al., 2018).

    https://arxiv.org/abs/1705.08790. The error of a pixel is ``max(0, 1 - s z)``, with the score z, and
    s = 1 for class 1 and -1 for class 0. One channel of logits is the score; of two it is the second minus the first,
    the log odds of class 1.

    With a label for every channel, (N, C, H, W), where a pixel may have several, each channel is a score: the IoU is
    that of all pairs of a pixel and a class. (PaddleSeg fails there if C is 2.)

    Args:
        ignore_index: label id that contributes nothing.
        as_paddleseg: of two channels take ``log(p + eps / (1 - p + eps))`` for a score, p being the probability of
            class 1. It is meant to be the log odds, but lacks parentheses: it stays below 0.7, so that the loss of
            a perfect prediction is 0.3.
    """

    multilabel = True

    def __init__(self, ignore_index: int = 255, *, as_paddleseg: bool = False) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.as_paddleseg = as_paddleseg

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Float logits and a label of 0 and 1 -> scalar; 0 when all is ignored.

        Args:
            logits: (N, 1, H, W) or (N, 2, H, W); any number of channels, if the label has as many.
            label: (N, H, W), (N, 1, H, W) or that of ``logits``.

        Raises:
            DataError: there are more than two channels, but a single label.
        """
        logits = full_precision(logits)
        if label.shape == logits.shape:
            logits, label = logits.flatten(0, 1).unsqueeze(1), label.flatten(0, 1)
        label, valid = prepare_label(logits, label, self.ignore_index)
        score, foreground = self._score(logits), valid & (label == 1)
        errors = (1 - torch.where(foreground, score, -score)).relu() * valid
        return jaccard_extension(errors, foreground)

    def _score(self, logits: Tensor) -> Tensor:
        """(N, H, W), larger for class 1."""
        num_channels = logits.shape[1]
        if num_channels == 1:
            return logits[:, 0]
        if num_channels != 2:
            raise DataError(
                f"LovaszHingeLoss tells two classes apart, but the logits have {num_channels} channels; "
                "take LovaszSoftmaxLoss"
            )
        if self.as_paddleseg:
            prob = logits.softmax(dim=1)[:, 1]
            return (prob + EPS / (1 - prob + EPS)).log()
        return logits[:, 1] - logits[:, 0]
