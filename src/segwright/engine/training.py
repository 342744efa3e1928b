"""The training loop: iterations, not epochs; can be stopped at any moment and resumed exactly."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import GeneralTracker, TensorBoardTracker
from filelock import FileLock, Timeout
from torch import nn
from torch.optim import Optimizer

from segwright import atomic
from segwright.datasets import SegmentationDataset
from segwright.engine.checkpoint import MODEL, Progress, keep_newest, load_checkpoint, save_checkpoint
from segwright.engine.device import select_device
from segwright.engine.evaluation import Evaluation, evaluate
from segwright.engine.inference import Procedure
from segwright.engine.interrupt import StopSignal
from segwright.engine.loader import TrainingOrder, training_batches
from segwright.engine.objective import Objective
from segwright.engine.progress import track
from segwright.engine.runlog import RunLog, VisualDLTracker, train_line
from segwright.errors import ConfigError, TrainingError
from segwright.optim import Schedule
from segwright.weights import save_weights

log = logging.getLogger("segwright")

Precision = Literal["fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        iterations: iterations done.
        best_miou: best score on the validation set, None without evaluation.
        best_iteration: when that was.
        checkpoint: folder of the last checkpoint.
        exit_code: 0, or 130 / 143 if a signal ended the run early.
    """

    iterations: int
    best_miou: float | None
    best_iteration: int
    checkpoint: Path
    exit_code: int = 0


@dataclass
class _Averages:
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
        self.__init__()  # type: ignore[misc]
        return means


def train(
    model: nn.Module,
    train_dataset: SegmentationDataset,
    val_dataset: SegmentationDataset | None = None,
    *,
    optimizer: Optimizer,
    losses: Mapping[str, Any],
    lr_scheduler: Schedule | None = None,
    save_dir: str | Path = "output",
    iters: int = 1000,
    batch_size: int = 4,
    resume_model: str | Path | None = None,
    save_interval: int = 1000,
    log_iters: int = 10,
    num_workers: int = 0,
    use_vdl: bool = False,
    keep_checkpoint_max: int = 5,
    early_stop_intervals: int | None = None,
    precision: Precision = "fp32",
    device: str = "auto",
    seed: int = 0,
    repeats: int = 1,
    procedure: Procedure | None = None,
    config: Mapping[str, Any] | None = None,
    force: bool = False,
) -> TrainingResult:
    """Train a model.

    Args:
        model: gives a list of logits in training, one for each loss.
        train_dataset: in mode ``train``.
        val_dataset: evaluated at every save; the best model is kept. None: no evaluation.
        optimizer: over the parameters of ``model``.
        losses: ``{"types": [loss, ...], "coef": [1.0, ...]}``; one type serves all outputs.
        lr_scheduler: stepped after every iteration; None keeps the optimiser's rate.
        save_dir: gets ``iter_N/``, ``best_model/``, ``log.jsonl`` and the tracker's files.
        iters: iterations of the whole run.
        batch_size: samples an iteration.
        resume_model: checkpoint folder to go on from.
        save_interval: iterations from checkpoint to checkpoint; the last iteration is always saved.
        log_iters: iterations from log line to log line.
        num_workers: reading processes; 0 reads ahead in a thread.
        use_vdl: write VisualDL's log instead of TensorBoard's.
        keep_checkpoint_max: checkpoints to keep, newest first; the best model is kept apart.
        early_stop_intervals: stop after this many evaluations without a better mIoU.
        precision: of the forward pass; weights stay fp32.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.
        seed: decides sample order, augmentation and dropout.
        repeats: times that each picture occurs in an epoch.
        procedure: how to predict in evaluation.
        config: the merged configuration, kept in the checkpoints.
        force: resume although settings differ from the checkpoint's.

    Raises:
        ConfigError: arguments contradict each other, before any picture is read.
        TrainingError: the loss is not finite, or ``save_dir`` cannot be written or is in use.
    """
    _check_counts(
        iters=iters,
        batch_size=batch_size,
        save_interval=save_interval,
        log_iters=log_iters,
        keep_checkpoint_max=keep_checkpoint_max,
        repeats=repeats,
    )
    if train_dataset.mode != "train":
        raise ConfigError(f"train_dataset is in mode '{train_dataset.mode}'; build it with mode 'train'")
    objective = Objective.of(losses)
    objective.check(model)
    save_dir = Path(save_dir)
    settings = {
        "iters": iters,
        "batch_size": batch_size,
        "seed": seed,
        "repeats": repeats,
        "precision": precision,
        "samples": len(train_dataset),
        "config": dict(config) if config else None,
    }
    target = select_device(device)
    torch.manual_seed(seed)
    model.to(target)
    with _exclusive(save_dir):
        progress = Progress(settings=settings)
        if resume_model is not None:
            progress = load_checkpoint(
                Path(resume_model), model, optimizer, lr_scheduler, settings=settings, force=force
            )
            log.info("Resumed from %s at iteration %d", resume_model, progress.iteration)
        order = TrainingOrder(
            len(train_dataset), batch_size=batch_size, iters=iters, start=progress.iteration, seed=seed, repeats=repeats
        )
        accelerator = _accelerator(precision, target, save_dir, use_vdl, progress.iteration)
        run = _Run(
            model,
            objective,
            optimizer,
            lr_scheduler,
            accelerator,
            order,
            progress,
            save_dir,
            RunLog(save_dir, progress.iteration),
        )
        log.info(
            "Training on %s in %s: %d pictures, batch size %d (%d iterations an epoch), learning rate %g, %d readers",
            target,
            precision,
            len(train_dataset),
            batch_size,
            order.batches_per_epoch,
            optimizer.param_groups[0]["lr"],
            num_workers,
        )
        batches = training_batches(train_dataset, order, num_workers=num_workers, pin=target.type == "cuda")
        checkpoint: Path | None = None
        with StopSignal() as stop, closing(batches):
            for iteration in track(range(progress.iteration + 1, iters + 1), "training", total=len(order)):
                run.step(batches, log_now=iteration % log_iters == 0 or iteration == iters)
                due = iteration % save_interval == 0 or iteration == iters
                if due or stop.received:
                    if due and val_dataset is not None:
                        run.evaluate(val_dataset, procedure, num_workers)
                    checkpoint = run.save(keep_checkpoint_max)
                if stop.received:
                    log.warning("Stopped by %s; go on with --resume_model %s", stop.received.name, checkpoint)
                    break
                if early_stop_intervals and progress.evaluations_without_gain >= early_stop_intervals:
                    log.info("No better mIoU in %d evaluations: stopping early", early_stop_intervals)
                    break
        run.close()
        if checkpoint is None:  # resumed at the end
            checkpoint = Path(resume_model) if resume_model else save_dir
        return TrainingResult(
            progress.iteration, progress.best_miou, progress.best_iteration, checkpoint, stop.exit_code
        )


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")


@contextmanager
def _exclusive(save_dir: Path) -> Iterator[None]:
    """``save_dir``, made, writable, and used by nobody else while the block runs."""
    if save_dir.exists() and not save_dir.is_dir():
        raise TrainingError(f"--save_dir {save_dir} is a file; name a folder")
    try:
        save_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(save_dir / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(
            f"another run is writing to {save_dir}; wait for it, or choose another --save_dir"
        ) from None
    except OSError as error:
        raise TrainingError(
            f"cannot write to --save_dir {save_dir}: {error.strerror}; choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _accelerator(precision: Precision, device: torch.device, save_dir: Path, use_vdl: bool, start: int) -> Accelerator:
    if precision == "fp16" and device.type == "cpu":
        raise ConfigError("precision fp16 does not train on a CPU; use bf16 or fp32, or a GPU")
    tracker: GeneralTracker
    if use_vdl:
        tracker = VisualDLTracker(save_dir)
    else:
        tracker = TensorBoardTracker(run_name="", logging_dir=save_dir, purge_step=start + 1)
    AcceleratorState._reset_state(
        reset_partial_state=True
    )  # an earlier run of this process may have used another device
    if device.index:
        torch.cuda.set_device(device)
    accelerator = Accelerator(
        mixed_precision="no" if precision == "fp32" else precision,
        cpu=device.type == "cpu",
        log_with=[tracker],
    )
    accelerator.init_trackers("segwright")
    return accelerator


class _Run:
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
        records: RunLog,
    ) -> None:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions are faster so, on CPUs and GPUs alike
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.plain_model, self.plain_optimizer = model, optimizer
        self.objective = objective.to(accelerator.device)
        self.schedule, self.accelerator, self.order = schedule, accelerator, order
        self.progress, self.save_dir, self.records = progress, save_dir, records
        self.averages = _Averages()
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
            f"the last checkpoint in {self.save_dir} is unharmed"
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

    def evaluate(self, dataset: SegmentationDataset, procedure: Procedure | None, num_workers: int) -> Evaluation:
        """Score the model as it is; keep it as ``best_model`` if it is the best so far."""
        progress = self.progress
        result = evaluate(
            self.model, dataset, procedure=procedure, num_workers=num_workers, device=self.accelerator.device
        )
        self.model.train()
        scores = result.scores()
        self.records.add("eval", progress.iteration, **scores)
        curves = {f"Evaluate/{name}": scores[name] for name in ("mIoU", "Acc", "Kappa", "mDice")}
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
        """Write a checkpoint and remove the oldest beyond ``keep``."""
        folder = save_checkpoint(self.save_dir, self.plain_model, self.plain_optimizer, self.schedule, self.progress)
        keep_newest(self.save_dir, keep)
        return folder

    def close(self) -> None:
        """Close the tracker's files, and give the model back without the wrapper that set its precision."""
        self.accelerator.end_training()
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
