"""The loss on validation pictures, which tells learning from learning by heart."""

import inspect
import logging
import math

import torch
from torch import Tensor, nn

from segwright.engine.objective import Objective
from segwright.engine.processes import Processes
from segwright.losses.inputs import entries, outputs

log = logging.getLogger("segwright")


class ValidationLoss:
    """Mean over validation pictures of the first of the training losses, with its factor; an observer for ``evaluate``.

    In evaluation a model has its main output only. Its loss is taken on the logits and the label map at the label map's
    own size, picture by picture, so it compares with the first loss of training, but for the augmentation there.

    Args:
        loss: ``(logits, label) -> scalar``.
        factor: its coefficient.
    """

    def __init__(self, loss: nn.Module, factor: float = 1.0) -> None:
        self._loss, self._factor = loss, factor
        self._values: list[Tensor] = []

    @classmethod
    def of(cls, objective: Objective) -> "ValidationLoss | None":
        """That of a training objective; None, with a line in the log, if its first loss needs more than a label map."""
        loss = objective.types[0]
        if outputs(loss, 0) == (0,) and entries(loss) == ("label",) and _takes_logits(loss):
            return cls(loss, objective.coef[0])
        log.info("No validation loss: %s compares what a model gives in training only", type(loss).__name__)
        return None

    def __call__(self, number: int, logits: Tensor, label: Tensor) -> None:  # noqa: ARG002
        """Add a picture: (1, C, H, W) logits and (1, H, W) label, (1, C, H, W) where a pixel may have several."""
        self._values.append(self._factor * self._loss(logits, label))

    def mean(self, processes: Processes, device: torch.device) -> float | None:
        """Over the pictures of all processes, None if there were none; starts over. Every process has to ask.

        Args:
            processes: those that share the evaluation.
            device: that this one computes on.
        """
        values = torch.stack(self._values).tolist() if self._values else []
        self._values = []
        sums = torch.tensor([math.fsum(values), len(values)], dtype=torch.float64)
        if processes.count > 1:
            sums = processes.total(sums.to(device))
        total, count = sums.tolist()
        return total / count if count else None


def _takes_logits(loss: nn.Module) -> bool:
    """Whether the loss takes one tensor, as far as its signature says, rather than a tuple or a mapping of them."""
    first = next(iter(inspect.signature(loss.forward).parameters.values()), None)
    return first is not None and first.annotation in (Tensor, "Tensor", "torch.Tensor", inspect.Parameter.empty)
