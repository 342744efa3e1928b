"""Binary cross entropy: every channel answers yes or no."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

EPS = 1e-10  # keeps quotients finite when nothing counts


@LOSSES.register
class BCELoss(nn.Module):
    """Mean of ``-y log p - (1 - y) log(1 - p)``, p being the sigmoid of a logit, over what is not ignored.

    The label is one of

    - class ids 0 and 1, (N, H, W) or (N, 1, H, W), for a single channel of logits;
    - class ids, for several channels: y is 1 in the channel of the pixel's class, and 0 in the others;
    - an answer for every channel, (N, C, H, W).

    With several channels and class ids the loss is the sum over the channels of a pixel divided by their number.

    Args:
        weight: ``dynamic`` multiplies the loss of ones by twice the share of zeros in the batch, and that of zeros by
            twice the share of ones, so that both matter alike. Ignored pixels count as zeros, as in PaddleSeg.
        pos_weight: factor for the loss of ones; ``dynamic`` takes twice the share of zeros in the batch.
        ignore_index: label id that contributes nothing.
        edge_label: compare with the batch's map of class boundaries instead of the label; the data set makes one
            with ``edge: True``.

    Raises:
        ConfigError: ``pos_weight`` is negative.
    """

    multilabel = True

    def __init__(
        self,
        weight: Literal["dynamic"] | None = None,
        pos_weight: float | Literal["dynamic"] | None = None,
        ignore_index: int = 255,
        edge_label: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(pos_weight, float | int) and pos_weight < 0:
            raise ConfigError(f"pos_weight is a factor, 0 or more, or 'dynamic'; got {pos_weight}")
        self.weight = weight
        self.pos_weight = pos_weight
        self.ignore_index = ignore_index
        self.takes = ("edge",) if edge_label else ("label",)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and a label, see the class -> scalar; 0 when every pixel is ignored."""
        logits = full_precision(logits)
        truth, valid = self._truth(logits, label)
        share_of_ones = truth.mean()

        pos_weight: Tensor | None = None
        if self.pos_weight == "dynamic":
            pos_weight = 2 * (1 - share_of_ones)
        elif self.pos_weight is not None:
            pos_weight = logits.new_tensor(self.pos_weight)
        loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none", pos_weight=pos_weight)
        if self.weight == "dynamic":
            loss = loss * torch.where(truth == 1, 2 * (1 - share_of_ones), 2 * share_of_ones)
        return (loss * valid).mean() / (valid.to(loss.dtype).mean() + EPS)

    def _truth(self, logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (N, C, H, W) of the logits' dtype, 0 where ignored, and a map of what counts that fits them.

        Raises:
            DataError: label and logits differ in size, or a single channel is compared with more than two classes.
        """
        if label.shape == logits.shape:
            valid = label != self.ignore_index
            return torch.where(valid, label, 0).to(logits.dtype), valid
        ids, valid = prepare_label(logits, label, self.ignore_index)
        if logits.shape[1] == 1 and ids.max() > 1:
            raise DataError(
                f"BCELoss compares one channel of logits with ids 0 and 1, but the label holds {int(ids.max())}; "
                "for a channel of edges say edge_label: True"
            )
        ids, valid = ids.unsqueeze(1), valid.unsqueeze(1)  # (N, 1, H, W)
        if logits.shape[1] == 1:
            return ids.to(logits.dtype), valid
        return torch.zeros_like(logits).scatter(1, ids, 1.0), valid
