"""Counting on the device, so that an evaluation waits for it once, at the end, and not for every picture."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from segwright.errors import DataError
from segwright.metrics import ConfusionMatrix, MultiLabelCounts, RocCounts
from segwright.metrics.roc import scored_classes

LEVELS = 1 << 16  # of scores, for ROC curves
LOWEST, HIGHEST = -104.0, 17.0  # log-odds of the smallest probability above 0 in float32, and the largest below 1


class Counted(NamedTuple):
    """What was counted of each of N pictures, int64 on the device.

    Attributes:
        areas: (N, 3, C): pixels of each class predicted rightly, predicted, labelled.
        confused: (N, 3): the label and the prediction that meet most often of those that differ, and how often; None
            where a pixel may have several labels.
    """

    areas: Tensor
    confused: Tensor | None = None


class ConfusionTally:
    """A confusion matrix under way, in int64 on the device.

    Args:
        num_classes: C.
        ignore_index: label value whose predictions count nowhere.
        device: where predictions are.
    """

    def __init__(self, num_classes: int, ignore_index: int, device: torch.device) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        # A row for each class, one for labels that are none, and one for ignored labels, which is left out in the end.
        self.counts = torch.zeros((num_classes + 2, num_classes), dtype=torch.int64, device=device)

    def add(self, pred: Tensor, label: Tensor) -> Counted:
        """Count N predictions, (N, ...) class ids, and their labels, integers of the same shape.

        Raises:
            DataError: the shapes differ.
        """
        _check_shapes(pred, label)
        label = label.long()
        foreign = torch.where(label == self.ignore_index, self.num_classes + 1, self.num_classes)
        rows = torch.where((label >= 0) & (label < self.num_classes), label, foreign)
        cells = (rows * self.num_classes + pred).reshape(len(pred), -1)
        starts = self.counts.numel() * torch.arange(len(pred), device=cells.device)
        counts = histogram(cells + starts[:, None], len(pred) * self.counts.numel()).view(-1, *self.counts.shape)
        self.counts += counts.sum(dim=0)
        return self._by_picture(counts)

    def _by_picture(self, counts: Tensor) -> Counted:
        """From (N, C + 2, C); as ``ConfusionMatrix`` sums up, but for many at once, and without waiting."""
        judged = counts[:, :-1].clone()
        if 0 <= self.ignore_index < self.num_classes:
            judged[:, self.ignore_index] = 0
        right = judged.diagonal(dim1=1, dim2=2)
        areas = torch.stack([right, judged.sum(dim=1), counts[:, : self.num_classes].sum(dim=2)], dim=1)
        right.zero_()
        pixels, cells = judged[:, : self.num_classes].flatten(1).max(dim=1)
        return Counted(areas, torch.stack([cells // self.num_classes, cells % self.num_classes, pixels], dim=1))

    def total(self) -> ConfusionMatrix:
        """The counts so far; waits for the device."""
        matrix = ConfusionMatrix(self.num_classes, self.ignore_index)
        matrix.counts[:] = self.counts[:-1].cpu().numpy()
        return matrix


class MultiLabelTally:
    """Counts of maps in which a pixel may have several labels, under way; arguments as in ``ConfusionTally``."""

    def __init__(self, num_classes: int, ignore_index: int, device: torch.device) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.counts = torch.zeros((3, num_classes), dtype=torch.int64, device=device)

    def add(self, pred: Tensor, label: Tensor) -> Counted:
        """Count N predictions, (N, C, H, W) bool, and their labels, (N, C, H, W) of 0, 1 and ``ignore_index``.

        Raises:
            DataError: the shapes differ.
        """
        _check_shapes(pred, label)
        predicted, labelled = pred & (label != self.ignore_index), label == 1
        areas = torch.stack([part.sum(dim=(2, 3)) for part in (predicted & labelled, predicted, labelled)], dim=1)
        self.counts += areas.sum(dim=0)
        return Counted(areas)

    def total(self) -> MultiLabelCounts:
        """The counts so far; waits for the device."""
        total = MultiLabelCounts(self.num_classes, self.ignore_index)
        total.counts[:] = self.counts.cpu().numpy()
        return total


class RocTally:
    """Counts for ROC curves under way, in int64 on the device; arguments as in ``ConfusionTally``.

    With ``multilabel`` each class has a curve of its own, over the sigmoids of its logits.

    Scores fall into ``LEVELS`` levels of log-odds, so that memory does not grow with the pixels. Areas are exact but
    for half of the pairs that share a level: to 1e-5 and better.
    """

    def __init__(self, num_classes: int, ignore_index: int, device: torch.device, *, multilabel: bool = False) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.multilabel = multilabel
        self.classes = range(num_classes) if multilabel else scored_classes(num_classes)
        # For each class: levels of other classes' pixels, levels of its own, and one place for what does not count.
        self.counts = torch.zeros((len(self.classes), 2 * LEVELS + 1), dtype=torch.int64, device=device)

    def add(self, logits: Tensor, label: Tensor) -> None:
        """Count the pixels of (N, C, H, W) logits and their label: (N, H, W), or (N, C, H, W) with ``multilabel``."""
        label = label.long()
        if self.multilabel:
            probs, valid = logits.sigmoid(), label != self.ignore_index
            truths = [(label[:, index] == 1, valid[:, index]) for index in self.classes]
        else:
            probs = logits.softmax(dim=1)
            valid = (label >= 0) & (label < self.num_classes) & (label != self.ignore_index)
            truths = [(label == index, valid) for index in self.classes]
        for counts, index, (is_class, counted) in zip(self.counts, self.classes, truths, strict=True):
            cells = torch.where(counted, levels_of(probs[:, index]) + LEVELS * is_class, 2 * LEVELS)
            counts += histogram(cells, counts.numel())

    def total(self) -> RocCounts:
        """The counts so far; waits for the device."""
        return RocCounts(self.counts[:, :-1].view(-1, 2, LEVELS).cpu().numpy(), self.num_classes)


def _check_shapes(pred: Tensor, label: Tensor) -> None:
    if pred.shape != label.shape:
        raise DataError(
            f"the prediction has the shape {tuple(pred.shape)}, the label {tuple(label.shape)}; "
            "bring the prediction back to the label's size before scoring"
        )


def levels_of(probs: Tensor) -> Tensor:
    """Level of each probability, 0..LEVELS-1, finest at even odds and coarser where all is certain."""

    def squash(x: Any) -> Any:
        return x / (1 + abs(x) / 4)

    log_odds = probs.logit().nan_to_num(nan=LOWEST).clamp(LOWEST, HIGHEST)
    low, high = squash(LOWEST), squash(HIGHEST)
    return ((squash(log_odds) - low) * ((LEVELS - 1) / (high - low))).long()


def histogram(cells: Tensor, size: int) -> Tensor:
    """How often each of 0..size-1 occurs, as int64."""
    cells = cells.flatten()
    if cells.is_cuda:  # there, bincount waits for the device to learn how many bins it needs
        return torch.zeros(size, dtype=torch.int64, device=cells.device).scatter_add_(0, cells, torch.ones_like(cells))
    return torch.bincount(cells, minlength=size)
