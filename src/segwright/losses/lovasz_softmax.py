"""A surrogate of the mean intersection over union, for any number of classes."""

from typing import Literal

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.losses.lovasz import jaccard_extension
from segwright.registry import LOSSES


@LOSSES.register
class LovaszSoftmaxLoss(nn.Module):
    """Lovasz extension of ``1 - IoU`` of each class over the whole batch, averaged over classes (Berman et al., 2018).

    https://arxiv.org/abs/1705.08790. The error of a pixel is ``1 - p`` for its own class, and ``p`` for others.

    Args:
        ignore_index: label id that contributes nothing.
        classes: classes to average: ``present``, those that occur in the batch's labels; ``all``; or a list of ids.

    Raises:
        ConfigError: ``classes`` is an empty list, or holds a negative id.
    """

    def __init__(self, ignore_index: int = 255, classes: Literal["present", "all"] | list[int] = "present") -> None:
        super().__init__()
        if not isinstance(classes, str) and (not classes or min(classes) < 0):
            raise ConfigError(f"classes is 'present', 'all' or a list of class ids, got {classes}")
        self.ignore_index = ignore_index
        self.classes = classes

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored.

        Raises:
            DataError: ``classes`` names one that the logits do not have.
        """
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        if not valid.any():
            return logits.sum() * 0  # no class is present, but the gradients are

        probs = logits.softmax(dim=1).unbind(dim=1)  # C times (N, H, W)
        losses = []
        for index in self._chosen_classes(label[valid], len(probs)):
            foreground = valid & (label == index)
            errors = torch.where(foreground, 1 - probs[index], probs[index]) * valid
            losses.append(jaccard_extension(errors, foreground))
        return torch.stack(losses).mean()

    def _chosen_classes(self, label: Tensor, num_classes: int) -> list[int]:
        if self.classes == "present":
            return label.unique().tolist()
        if isinstance(self.classes, str):
            return list(range(num_classes))
        if max(self.classes) >= num_classes:
            raise DataError(f"LovaszSoftmaxLoss has classes: {self.classes}, but the model predicts {num_classes}")
        return self.classes
