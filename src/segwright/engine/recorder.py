"""What a run says and writes down while it goes: log lines, records, curves and pictures."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator

from segwright.datasets import SegmentationDataset
from segwright.engine.health import IgnoredLabels, fall_warning, memory_use
from segwright.engine.order import TrainingOrder
from segwright.engine.runlog import RunLog, class_titles, evaluation_curves, train_line
from segwright.errors import DataError

log = logging.getLogger("segwright")

SKIPPED_SHARE = 0.01  # of the training set: more pictures than that are not left out in silence


class Recorder:
    """Records of a run; in the first of its processes they are written, in the others only counted.

    Args:
        save_dir: the run's folder.
        start: iteration that the run starts or resumes at.
        order: of the samples.
        train_dataset: tells which pixels are ignored.
        val_dataset: tells the classes' names, if there is one.
        accelerator: feeds the trackers.
        names: of the model's training outputs, if it has names for them.
    """

    def __init__(
        self,
        save_dir: Path,
        start: int,
        *,
        order: TrainingOrder,
        train_dataset: SegmentationDataset,
        val_dataset: SegmentationDataset | None,
        accelerator: Accelerator,
        names: Sequence[str] | None = None,
    ) -> None:
        self.order, self.accelerator = order, accelerator
        self.titles = class_titles(val_dataset.num_classes, val_dataset.class_names) if val_dataset else []
        self.runlog = RunLog(save_dir, start, self.titles) if accelerator.is_main_process else None
        self.ignored = IgnoredLabels(train_dataset.ignore_index)
        self.skipped: set[str] = set()
        self._names = names
        self._steps: list[tuple[Sequence[float], float, float]] = []

    def names(self, count: int) -> Sequence[str]:
        """Of the model's outputs in training."""
        return self._names or [f"output {number}" for number in range(count)]

    def batch(self, batch: dict[str, Any]) -> None:
        """Count what was read, in main memory; takes ``skipped`` out of it.

        Raises:
            DataError: too many pictures were left out.
        """
        for reason in batch.pop("skipped"):
            if reason not in self.skipped:
                self.skipped.add(reason)
                log.warning("left out: %s", reason)
        if len(self.skipped) > max(1, SKIPPED_SHARE * self.order.num_samples):
            raise DataError(
                f"{len(self.skipped)} of {self.order.num_samples} pictures cannot be used, more than "
                f"{SKIPPED_SHARE:.0%}: too many to be left out, such as {min(self.skipped)}"
            )
        self.ignored.add(batch)

    def step(self, parts: Sequence[float], waited: float, took: float) -> None:
        """Note a step: the loss of each output, seconds waited for data, and seconds in all."""
        self._steps.append((parts, waited, took))

    def train(self, iteration: int, *, rate: float, gradient_norm: float) -> None:
        """Log and record the means since the last time."""
        losses, waits, times = zip(*self._steps, strict=True)
        self._steps = []
        parts = np.mean(losses, axis=0).tolist()
        batch, reader = float(np.mean(times)), float(np.mean(waits))
        epoch = (iteration - 1) // self.order.iterations_per_epoch + 1
        facts = {
            "loss": sum(parts),
            "lr": rate,
            "batch_cost": batch,
            "reader_cost": reader,
            "ips": self.order.effective_batch / batch,
        }
        log.info(train_line(epoch=epoch, iteration=iteration, iters=self.order.iters, parts=parts, **facts))
        facts |= {"waiting": reader / batch, "grad_norm": gradient_norm, "ignored_labels": self.ignored.take()}
        facts |= memory_use(self.accelerator.device)
        if self.runlog is not None:
            self.runlog.add("train", iteration, epoch=epoch, parts=parts, **facts)
        scalars = {f"Train/{name}": value for name, value in facts.items()}
        if len(parts) > 1:
            scalars |= {f"Train/loss_{name}": part for name, part in zip(self.names(len(parts)), parts, strict=True)}
        self.accelerator.log(scalars, step=iteration)

    def evaluation(self, event: str, iteration: int, scores: Mapping[str, Any]) -> None:
        """Record the scores of the weights, as ``eval``, or of their average, as ``eval_ema``."""
        if self.runlog is not None:
            self.runlog.add(event, iteration, **scores)
        curves = evaluation_curves(scores, self.titles)
        if event == "eval_ema":  # as PaddleSeg calls them
            curves = {tag.replace("/", "/Ema_", 1): value for tag, value in curves.items()}
        self.accelerator.log(curves, step=iteration)

    def previews(self, images: Mapping[str, np.ndarray], iteration: int) -> None:
        """Show pictures, (H, W, 3) uint8 RGB by tag, in every tracker."""
        for tracker in self.accelerator.trackers:
            tracker.log_images(images, iteration)

    @staticmethod
    def fall(scores: Mapping[str, Any], best_miou: float | None, best_iteration: int) -> None:
        """Say so where a score is far below the best."""
        if warning := fall_warning(scores["mIoU"] or 0.0, best_miou, best_iteration):
            log.warning("[EVAL] %s", warning)
