"""One training run under way: a step, a log line, an evaluation, a save."""

import logging
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import GeneralTracker, TensorBoardTracker
from torch import nn
from torch.optim import Optimizer

from segwright import atomic
from segwright.datasets import SegmentationDataset
from segwright.engine.checkpoint import MODEL, Progress, checkpoints, iteration_of, save_checkpoint
from segwright.engine.evaluation import Evaluation, evaluate
from segwright.engine.inference import Procedure
from segwright.engine.loader import TrainingOrder
from segwright.engine.objective import Objective
from segwright.engine.runlog import RunLog, VisualDLTracker, train_line
from segwright.errors import ConfigError, TrainingError
from segwright.optim import Schedule
from segwright.weights import save_weights

log = logging.getLogger("segwright")

Precision = Literal["fp32", "fp16", "bf16"]


@dataclass
class Averages:
    """Means since the last log line."""

    steps: int = 0
    parts: list[float] = field(default_factory=list)
    reader: float = 0.0
    batch: float = 0.0

    def add(self, parts: Sequence[float], reader: float, batch: float) -> None:
        self.parts = [a + b for a, b in zip(self.parts or [0.0] * len(parts), parts, strict=True)]
        self.steps, self.reader, self.batch = self.steps + 1, self.reader + reader, self.batch + batch

    def take(self) -> tuple[list[float], float, float]:
        """Mean of each loss, seconds waited for data a step, seconds a step; starts over."""
        means = [part / self.steps for part in self.parts], self.reader / self.steps, self.batch / self.steps
        self.steps, self.parts, self.reader, self.batch = 0, [], 0.0, 0.0
        return means


def make_accelerator(
    precision: Precision, device: torch.device, save_dir: Path, use_vdl: bool, start: int
) -> Accelerator:
    """The library that places the model, sets the precision and feeds the tracker of a run.

    Raises:
        ConfigError: the device cannot train in this precision.
    """
    if precision == "fp16" and device.type == "cpu":
        raise ConfigError("precision fp16 does not train on a CPU; use bf16 or fp32, or a GPU")
    tracker: GeneralTracker
    if use_vdl:
        tracker = VisualDLTracker(save_dir)
    else:
        tracker = TensorBoardTracker(run_name="", logging_dir=save_dir, purge_step=start + 1)
    AcceleratorState._reset_state(reset_partial_state=True)  # an earlier run may have used another device
    if device.index:
        torch.cuda.set_device(device)
    accelerator = Accelerator(
        mixed_precision="no" if precision == "fp32" else precision,
        cpu=device.type == "cpu",
        log_with=[tracker],
    )
    accelerator.init_trackers("segwright")
    return accelerator


class Run:
    """One run under way: the state that a step changes."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule | None,
        accelerator: Accelerator,
        order: TrainingOrder,
        progress: Progress,
        save_dir: Path,
    ) -> None:
        # Convolutions are faster with channels last, on CPUs and GPUs alike.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.plain_model, self.plain_optimizer = model, optimizer
        self.objective = objective.to(accelerator.device)
        self.schedule, self.accelerator, self.order = schedule, accelerator, order
        self.progress, self.save_dir = progress, save_dir
        self.records = RunLog(save_dir, progress.iteration)
        self.saved = [folder for folder in checkpoints(save_dir) if iteration_of(folder) <= progress.iteration]
        self.averages = Averages()
        self.model.train()

    def step(self, batches: Iterator[dict[str, Any]], *, log_now: bool) -> None:
        """One iteration: read, forward, backward, update."""
        start = time.perf_counter()
        batch = next(batches)
        waited = time.perf_counter() - start
        device = self.accelerator.device
        tensors = {name: value.to(device, non_blocking=True) for name, value in batch.items() if name != "file"}
        tensors["image"] = tensors["image"].contiguous(memory_format=torch.channels_last)
        parts = self.objective(self.model(tensors["image"]), tensors)
        loss = torch.stack(parts).sum()
        values = [float(part) for part in torch.stack(parts).detach()]
        self._check_finite(values, batch["file"])
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.optimizer.step()
        rate = self.plain_optimizer.param_groups[0]["lr"]
        if self.schedule is not None:
            self.schedule.observe(sum(values))
            self.schedule.step()
        self.progress.iteration += 1
        self.averages.add(values, waited, time.perf_counter() - start)
        if log_now:
            self._log(rate)

    def _check_finite(self, parts: Sequence[float], files: Sequence[str]) -> None:
        if all(math.isfinite(part) for part in parts):
            return
        names = getattr(self.plain_model, "output_names", None) or [f"output {i}" for i in range(len(parts))]
        bad = ", ".join(f"{name}: {part}" for name, part in zip(names, parts, strict=False) if not math.isfinite(part))
        raise TrainingError(
            f"the loss is not finite at iteration {self.progress.iteration + 1} ({bad}). Pictures of this batch: "
            f"{', '.join(files)}. Lower the learning rate, add a warm-up, or look at these pictures and labels; "
            f"{f'{self.saved[-1]} is the last checkpoint' if self.saved else 'there is no checkpoint yet'}"
        )

    def _log(self, rate: float) -> None:
        parts, reader, batch = self.averages.take()
        iteration, loss = self.progress.iteration, sum(parts)
        epoch = (iteration - 1) // self.order.batches_per_epoch + 1
        facts = {
            "loss": loss,
            "lr": rate,
            "batch_cost": batch,
            "reader_cost": reader,
            "ips": self.order.batch_size / batch,
        }
        log.info(train_line(epoch=epoch, iteration=iteration, iters=self.order.iters, parts=parts, **facts))
        self.records.add("train", iteration, epoch=epoch, parts=parts, **facts)
        scalars = {f"Train/{name}": value for name, value in facts.items()}
        names = getattr(self.plain_model, "output_names", range(len(parts)))
        if len(parts) > 1:
            scalars |= {f"Train/loss_{name}": part for name, part in zip(names, parts, strict=True)}
        self.accelerator.log(scalars, step=iteration)

    def evaluate(
        self,
        dataset: SegmentationDataset,
        procedure: Procedure | None,
        num_workers: int,
        caution: str = "",
        *,
        auc_roc: bool = False,
    ) -> Evaluation:
        """Score the model as it is; keep it as ``best_model`` if it is the best so far.

        ``caution`` is what to keep in mind with the scores; it is logged beside them.
        """
        progress = self.progress
        result = evaluate(
            self.model,
            dataset,
            procedure=procedure,
            num_workers=num_workers,
            device=self.accelerator.device,
            auc_roc=auc_roc,
        )
        self.model.train()
        if caution:
            log.warning("[EVAL] %s", caution)
        scores = result.scores()
        self.records.add("eval", progress.iteration, **scores)
        curves = {f"Evaluate/{name}": scores.get(name) for name in ("mIoU", "Acc", "Kappa", "mDice", "auc_roc")}
        self.accelerator.log(
            {name: value for name, value in curves.items() if value is not None}, step=progress.iteration
        )
        miou = scores["mIoU"] if scores["mIoU"] is not None else 0.0
        if progress.best_miou is None or miou > progress.best_miou:
            progress.best_miou, progress.best_iteration, progress.evaluations_without_gain = miou, progress.iteration, 0
            with atomic.new_folder(self.save_dir / "best_model") as part:
                save_weights(self.plain_model, part / MODEL)
                atomic.write_json(part / "metrics.json", {"iter": progress.iteration, **scores})
        else:
            progress.evaluations_without_gain += 1
        log.info(
            "[EVAL] The model with the best validation mIoU (%.4f) was saved at iter %d.",
            progress.best_miou,
            progress.best_iteration,
        )
        return result

    def save(self, keep: int) -> Path:
        """Write a checkpoint and remove the oldest of this run beyond ``keep``."""
        folder = save_checkpoint(self.save_dir, self.plain_model, self.plain_optimizer, self.schedule, self.progress)
        self.saved = [*(older for older in self.saved if older != folder), folder]
        while len(self.saved) > keep:
            shutil.rmtree(self.saved.pop(0), ignore_errors=True)
        return folder

    def close(self) -> None:
        """Close the tracker's files, and give the model back without the wrapper that set its precision."""
        self.accelerator.end_training()
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
