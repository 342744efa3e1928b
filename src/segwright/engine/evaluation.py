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
from segwright.engine.inference import Procedure, decide, infer
from segwright.engine.loader import evaluation_pictures
from segwright.engine.processes import Processes
from segwright.engine.tally import ConfusionTally, MultiLabelTally, RocTally
from segwright.errors import ConfigError, DataError
from segwright.metrics import AbsentRule, ConfusionMatrix, MultiLabelCounts, RocCounts

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
        curves: counts for the areas under the ROC curves, if these were asked for.
    """

    confusion: ConfusionMatrix | MultiLabelCounts
    num_images: int
    batch_cost: float
    reader_cost: float
    curves: RocCounts | None = None

    def scores(self, absent: AbsentRule = "one") -> dict[str, Any]:
        """``images``, ``mIoU``, ``Acc``, ``Kappa``, ``mDice`` and per-class lists, as ``val --json`` writes them.

        With ``curves`` also ``auc_roc`` and ``class_auc_roc``.
        """
        scores = {"images": self.num_images, **self.confusion.scores(absent)}
        if self.curves is not None:
            scores |= {"auc_roc": self.curves.area, "class_auc_roc": self.curves.class_areas}
        return scores


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, without gradients; its training state comes back afterwards.

    Its weights are laid out with channels last, in which convolutions are faster; their values stay.
    """
    was_training = model.training
    model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
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
    num_workers: int = 0,
    device: torch.device | str | None = None,
    print_detail: bool = True,
    auc_roc: bool = False,
    observers: Sequence[Observer] = (),
) -> Evaluation:
    """Predict every picture of a data set and compare with its label, at the label's own size.

    Where ``torchrun`` has started several processes, each takes its part of the pictures, and all return the scores
    of all, which are those of a single process to the last digit.

    Where the data set says that a pixel may have several labels, a class is predicted where its sigmoid is above one
    half, whatever the others are.

    Args:
        model: gives a list whose first entry is (1, num_classes, H, W) logits.
        dataset: in mode ``val`` or ``test``, with labels.
        procedure: plain (default), multi-scale and flips, or sliding windows.
        num_workers: processes that read ahead; 0 reads ahead in a thread.
        device: where to compute; default: where the model is.
        print_detail: log what is done and the scores.
        auc_roc: also count for the areas under the ROC curves.
        observers: are shown each picture of this process.

    Raises:
        DataError: the data set is empty, has no labels, or a label does not fit its picture.
        ConfigError: the model predicts another number of classes than the data set has.
    """
    show_log()
    if dataset.mode == "train":
        raise ConfigError(
            "evaluate wants a data set in mode 'val' or 'test': in mode 'train' its pictures are augmented"
        )
    target = torch.device(device) if device is not None else next(model.parameters()).device
    processes = Processes()
    procedure = procedure or Procedure()
    multilabel, kind = dataset.multilabel, (dataset.num_classes, dataset.ignore_index, target)
    confusion = MultiLabelTally(*kind) if multilabel else ConfusionTally(*kind)
    curves = RocTally(*kind, multilabel=multilabel) if auc_roc else None
    share = processes.share(len(dataset))
    if print_detail:
        log.info("Start evaluating (total_samples: %d, total_iters: %d)...", len(dataset), len(share))
    start, waited = time.perf_counter(), 0.0
    pictures = evaluation_pictures(dataset, num_workers, share)
    with evaluating(model), closing(pictures):
        for _ in track(share, "evaluating", shown=print_detail):
            before = time.perf_counter()
            picture = next(pictures)
            waited += time.perf_counter() - before
            if picture.label is None:
                raise DataError(f"{dataset.pairs[picture.number].image} has no label, so it cannot be evaluated")
            logits = infer(model, _sent(picture.image, target), picture.geometry, procedure)
            if logits.shape[1] != dataset.num_classes:
                raise ConfigError(
                    f"the model predicts {logits.shape[1]} classes, but the data set has {dataset.num_classes}; "
                    "make num_classes equal"
                )
            label = _sent(torch.from_numpy(picture.label)[None], target)
            if multilabel:
                label = label.movedim(3, 1)
            confusion.add(decide(logits, multilabel=multilabel), label)
            if curves is not None:
                curves.add(logits, label)
            for observe in observers:
                observe(picture.number, logits, label)
    for tally in (confusion, curves):
        if tally is not None:
            processes.total(tally.counts)
    areas, roc = confusion.total(), curves.total() if curves is not None else None
    count = len(dataset)
    took = time.perf_counter() - start
    evaluation = Evaluation(areas, count, took / count, waited / count, roc)
    if print_detail:
        report(evaluation)
    return evaluation


def _sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device; to a GPU it goes from pinned memory, for which nothing has to wait."""
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


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
    if "auc_roc" in scores:
        log.info("[EVAL] Auc_roc: %s", _number(scores["auc_roc"]))
        lists.append(("Auc_roc", "class_auc_roc"))
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
