"""Scores of a model on a data set."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from segwright.console import show_log, track
from segwright.datasets import SegmentationDataset
from segwright.engine.evaluation_batches import Clocked, batches, images, labels
from segwright.engine.inference import Procedure, infer
from segwright.engine.loader import evaluation_pictures
from segwright.engine.processes import Processes
from segwright.engine.scorers import Scorers
from segwright.errors import ConfigError
from segwright.metrics import AbsentRule, BoundaryCounts, ConfusionMatrix, MultiLabelCounts, PerImage, RocCounts

log = logging.getLogger("segwright")


Observer = Callable[[int, torch.Tensor, torch.Tensor], None]
"""Is told of a picture: its number in the data set, its logits, its label."""


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    Attributes:
        confusion: counts of (true, predicted) over all pixels that are not ignored; where a pixel may have several
            labels, each class's areas.
        num_images: pictures evaluated.
        batch_cost: seconds a picture, reading included.
        reader_cost: seconds a picture spent waiting for it to be read.
        per_image: what was counted of each picture, in the order of the data set.
        curves: counts for the areas under the ROC curves, if these were asked for.
        boundary: areas of each class near its outline, if these were asked for.
    """

    confusion: ConfusionMatrix | MultiLabelCounts
    num_images: int
    batch_cost: float
    reader_cost: float
    per_image: PerImage
    curves: RocCounts | None = None
    boundary: BoundaryCounts | None = None

    def scores(self, absent: AbsentRule = "one") -> dict[str, Any]:
        """``images``, ``mIoU``, ``Acc``, ``Kappa``, ``mDice`` and per-class lists, as ``val --json`` writes them.

        With ``curves`` also ``auc_roc`` and ``class_auc_roc``, with ``boundary`` also ``boundary_iou``, its mean over
        classes, and ``class_boundary_iou``.
        """
        scores = {"images": self.num_images, **self.confusion.scores(absent)}
        if self.curves is not None:
            scores |= {"auc_roc": self.curves.area, "class_auc_roc": self.curves.class_areas}
        if self.boundary is not None:
            near = self.boundary.scores(absent)
            scores |= {"boundary_iou": near["mIoU"], "class_boundary_iou": near["class_iou"]}
        return scores


@contextmanager
def evaluating(model: nn.Module, *, keep_layout: bool = False) -> Iterator[None]:
    """The model in evaluation mode, without gradients; its training state comes back afterwards.

    Its weights are laid out with channels last, in which convolutions are faster; their values stay. With
    ``keep_layout`` they remain where they are in memory.
    """
    was_training = model.training
    model.eval()
    if not keep_layout:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def evaluate(
    model: nn.Module,
    dataset: SegmentationDataset,
    *,
    procedure: Procedure | None = None,
    batch_size: int = 1,
    num_workers: int = 0,
    device: torch.device | str | None = None,
    print_detail: bool = True,
    auc_roc: bool = False,
    boundary_iou: bool = False,
    observers: Sequence[Observer] = (),
    keep_layout: bool = False,
) -> Evaluation:
    """Predict every picture of a data set and compare with its label, at the label's own size.

    Where ``torchrun`` has started several processes, each takes its part of the pictures, and all return the scores
    of all, which are those of a single process to the last digit.

    Where the data set says that a pixel may have several labels, a class is predicted where its sigmoid is above one
    half, whatever the others are.

    Args:
        model: gives a list whose first entry is (N, num_classes, H, W) logits.
        dataset: in mode ``val`` or ``test``, with labels.
        procedure: plain (default), multi-scale and flips, or sliding windows.
        batch_size: pictures that go through the model together, if they follow each other and are of one size before
            and after the same transforms; others go alone. Libraries may add up in another order for another number of
            pictures, so that logits differ in their last bits: scores are the same unless two classes are equal in a
            pixel but for these.
        num_workers: processes that read ahead; 0 reads ahead in a thread.
        device: where to compute; default: where the model is.
        print_detail: log what is done and the scores.
        auc_roc: also count for the areas under the ROC curves.
        boundary_iou: also count pixels near outlines, for boundary IoU.
        observers: are shown each picture of this process.
        keep_layout: leave the model's weights where they are in memory, for others hold on to them; otherwise they are
            laid out as is fastest.

    Raises:
        DataError: the data set is empty, has no labels, or a label does not fit its picture.
        ConfigError: the model predicts another number of classes than the data set has, or ``batch_size`` is below 1.
    """
    show_log()
    if dataset.mode == "train":
        raise ConfigError(
            "evaluate wants a data set in mode 'val' or 'test': in mode 'train' its pictures are augmented"
        )
    if batch_size < 1:
        raise ConfigError(f"batch_size is a whole number above 0, got {batch_size}")
    target = torch.device(device) if device is not None else next(model.parameters()).device
    processes = Processes()
    scorers = Scorers(dataset, target, auc_roc=auc_roc, boundary_iou=boundary_iou)
    share = processes.share(len(dataset))
    if print_detail:
        log.info("Start evaluating (total_samples: %d, total_iters: %d)...", len(dataset), len(share))
    start = time.perf_counter()
    with (
        evaluating(model, keep_layout=keep_layout),
        closing(evaluation_pictures(dataset, num_workers, share)) as pictures,
    ):
        reading = Clocked(pictures)
        for batch in batches(track(reading, "evaluating", total=len(share), shown=print_detail), batch_size):
            numbers = [picture.number for picture in batch]
            image, label = images(batch, target), labels(batch, dataset, target)
            logits = infer(model, image, batch[0].geometry, procedure or Procedure())
            if logits.shape[1] != dataset.num_classes:
                raise ConfigError(
                    f"the model predicts {logits.shape[1]} classes, but the data set has {dataset.num_classes}; "
                    "make num_classes equal"
                )
            scorers.add(numbers, logits, label)
            for place, number in enumerate(numbers):
                for observe in observers:
                    observe(number, logits[place : place + 1], label[place : place + 1])
    scorers.merge(processes)
    areas, count = scorers.areas, len(dataset)
    took = time.perf_counter() - start
    costs = took / count, reading.seconds / count
    evaluation = Evaluation(areas, count, *costs, scorers.per_image, scorers.curves, scorers.boundary)
    if print_detail:
        report(evaluation)
    return evaluation


def report(evaluation: Evaluation) -> None:
    """Log the scores, in PaddleSeg's words; where the treatment of absent classes matters, all three means."""
    scores = evaluation.scores()
    log.info("batch_cost: %.4f, reader_cost: %.5f", evaluation.batch_cost, evaluation.reader_cost)
    log.info(
        "[EVAL] #Images: %d, mIoU: %s, Acc: %s, Kappa: %s, Dice: %s",
        evaluation.num_images,
        *(_number(scores[key]) for key in ("mIoU", "Acc", "Kappa", "mDice")),
    )
    lists = [("IoU", "class_iou"), ("Precision", "class_precision"), ("Recall", "class_recall")]
    for title, key in (("Auc_roc", "auc_roc"), ("Boundary IoU", "boundary_iou")):
        if key in scores:
            log.info("[EVAL] %s: %s", title, _number(scores[key]))
            lists.append((title, f"class_{key}"))
    for title, key in lists:
        log.info("[EVAL] Class %s: [%s]", title, " ".join(_number(value) for value in scores[key]))
    absent = evaluation.confusion.absent_classes
    if absent:
        means = evaluation.confusion.mean_iou_by_convention()
        log.info(
            "[EVAL] Classes %s occur neither in labels nor in predictions. mIoU with them as 1: %s (as PaddleSeg does "
            "now); as 0: %s (PaddleSeg until 2023); left out: %s (as mmsegmentation does)",
            ", ".join(map(str, absent)),
            *(_number(means[name]) for name in ("one", "zero", "skip")),
        )


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
