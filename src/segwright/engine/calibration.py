"""Counting on the device how sure the model is where it is right and where it is wrong."""

import torch
from torch import Tensor

from segwright.engine.tally import histogram
from segwright.metrics.calibration import LEVELS, CalibrationCounts

ROWS = 256  # of a picture at once, as probabilities take as much memory as logits


class CalibrationTally:
    """Pixels by confidence and by whether they are right, under way, in int64 on the device.

    Args:
        ignore_index: label value whose predictions count nowhere.
        device: where predictions are.
    """

    def __init__(self, ignore_index: int, device: torch.device) -> None:
        self.ignore_index = ignore_index
        # Levels of wrong pixels, of right ones, and one place for what does not count.
        self.counts = torch.zeros(2 * LEVELS + 1, dtype=torch.int64, device=device)

    def add(self, logits: Tensor, pred: Tensor, label: Tensor) -> None:
        """Count (N, C, H, W) logits, the (N, H, W) prediction made of them, and its label of the same shape."""
        label = label.long()
        for some_logits, some_pred, some_label in zip(
            logits.split(ROWS, dim=2), pred.split(ROWS, dim=1), label.split(ROWS, dim=1), strict=True
        ):
            confidence = some_logits.softmax(dim=1).amax(dim=1).nan_to_num(nan=0.0)
            level = (confidence * LEVELS).ceil().long().clamp(1, LEVELS) - 1
            cells = torch.where(some_label == self.ignore_index, 2 * LEVELS, level + LEVELS * (some_pred == some_label))
            self.counts += histogram(cells, self.counts.numel())

    def total(self) -> CalibrationCounts:
        """The counts so far; waits for the device."""
        return CalibrationCounts(self.counts[:-1].view(2, LEVELS).cpu().numpy().copy())
