"""Cross entropy over the pixels that count."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import class_weights, full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-8  # keeps the quotient finite when every pixel is ignored


@LOSSES.register
class CrossEntropyLoss(nn.Module):
    """Mean of ``-w[y] log softmax(logits)[y]``, weighted over the pixels that are not ignored.

    With label smoothing the truth is ``q[c] = (1 - label_smoothing) [c = y] + label_smoothing / C`` over the C classes
    (Szegedy et al., 2016, section 7, https://arxiv.org/abs/1512.00567), and a pixel's loss
    ``-sum_c q[c] w[c] log softmax(logits)[c]``; the mean divides by ``w[y]`` all the same.

    Args:
        weight: one factor per class; default: all 1.
        ignore_index: label id that contributes nothing.
        top_k_percent_pixels: share of pixels to keep, those with the largest loss (hard pixel mining,
            Wu et al., 2016, https://arxiv.org/abs/1605.06885); 1 keeps all.
        avg_non_ignore: divide by the weight of the pixels that count; otherwise by the number of all pixels.
        data_format: layout of the logits, ``NCHW`` or ``NHWC``.
        label_smoothing: share of the truth that is spread over all classes, from 0 to below 1.

    Raises:
        ConfigError: a share is none.
    """

    def __init__(
        self,
        weight: list[float] | None = None,
        ignore_index: int = 255,
        top_k_percent_pixels: float = 1.0,
        avg_non_ignore: bool = True,
        data_format: Literal["NCHW", "NHWC"] = "NCHW",
        *,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.ignore_index = ignore_index
        self.top_k_percent_pixels = checked_share(top_k_percent_pixels)
        self.avg_non_ignore = avg_non_ignore
        self.data_format = data_format
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing is a share from 0 to below 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, label: Tensor, semantic_weights: Tensor | None = None) -> Tensor:
        """(N, C, H, W) logits, (N, H, W) label, optional (N, H, W) factors per pixel -> scalar.

        The loss is 0, with gradients of 0, when every pixel is ignored.
        """
        if self.data_format == "NHWC":
            logits = logits.permute(0, 3, 1, 2)
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        weight = class_weights(self.weight, logits.shape[1], logits)

        smoothing = self.label_smoothing
        loss = F.cross_entropy(logits, label, weight=weight, reduction="none", label_smoothing=smoothing)  # (N, H, W)
        loss = loss * valid
        if semantic_weights is not None:
            loss = loss * semantic_weights
        if self.top_k_percent_pixels < 1:
            return mean_of_hardest(loss, label, weight, self.top_k_percent_pixels)
        return mean_of_counted(loss, label, valid, weight) if self.avg_non_ignore else loss.mean()


def checked_share(top_k_percent_pixels: float) -> float:
    """The share itself.

    Raises:
        ConfigError: it is no share.
    """
    if not 0 < top_k_percent_pixels <= 1:
        raise ConfigError(f"top_k_percent_pixels is a share above 0 and up to 1, got {top_k_percent_pixels}")
    return top_k_percent_pixels


def mean_of_counted(loss: Tensor, label: Tensor, valid: Tensor, weight: Tensor | None) -> Tensor:
    """(N, H, W) losses, 0 where ignored -> their sum by the summed weight of the pixels that count."""
    share = valid.to(loss.dtype) if weight is None else weight[label] * valid
    return loss.mean() / (share.mean() + EPS)


def mean_of_hardest(loss: Tensor, label: Tensor, weight: Tensor | None, share: float) -> Tensor:
    """The same over the largest losses; ignored pixels take part with a loss of 0, as the weight of class 0."""
    loss, position = loss.flatten().topk(max(1, int(share * loss.numel())))
    if weight is None:
        return loss.mean() / (1 + EPS)
    return loss.mean() / (weight[label.flatten()[position]].mean() + EPS)
