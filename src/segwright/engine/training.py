"""The training loop: iterations, not epochs; can be stopped at any moment and resumed exactly."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn
from torch.optim import Optimizer

from segwright.console import show_log, track
from segwright.datasets import SegmentationDataset
from segwright.engine.checkpoint import Progress, checkpoints, load_checkpoint
from segwright.engine.device import select_device
from segwright.engine.inference import Procedure
from segwright.engine.interrupt import StopSignal
from segwright.engine.loader import TrainingOrder, training_batches
from segwright.engine.objective import Objective
from segwright.engine.precheck import check_data
from segwright.engine.run import Precision, Run, make_accelerator
from segwright.errors import ConfigError, TrainingError
from segwright.optim import Schedule

log = logging.getLogger("segwright")


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
    auc_roc: bool = False,
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
        auc_roc: also compute the areas under the ROC curves in evaluation.
        config: the merged configuration, kept in the checkpoints.
        force: resume although settings differ from the checkpoint's.

    Raises:
        ConfigError: arguments contradict each other, before any picture is read.
        TrainingError: the loss is not finite, or ``save_dir`` cannot be written or is in use.
    """
    show_log()
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
    objective.check(model, train_dataset)
    save_dir = Path(save_dir)
    caution = check_data(train_dataset, val_dataset)
    settings = {
        "iters": iters,
        "batch_size": batch_size,
        "seed": seed,
        "repeats": repeats,
        "precision": precision,
        "samples": len(train_dataset),
        "config": {key: value for key, value in (config or {}).items() if key not in ("iters", "batch_size")} or None,
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
        elif checkpoints(save_dir):
            log.warning(
                "%s holds an older run; its checkpoints stay until this run writes ones of the same name", save_dir
            )
        order = TrainingOrder(
            len(train_dataset), batch_size=batch_size, iters=iters, start=progress.iteration, seed=seed, repeats=repeats
        )
        accelerator = make_accelerator(precision, target, save_dir, use_vdl, progress.iteration)
        run = Run(model, objective, optimizer, lr_scheduler, accelerator, order, progress, save_dir)
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
        with StopSignal() as stop, closing(run), closing(batches):
            for iteration in track(range(progress.iteration + 1, iters + 1), "training", total=len(order)):
                run.step(batches, log_now=iteration % log_iters == 0 or iteration == iters)
                due = iteration % save_interval == 0 or iteration == iters
                if due or stop.received:
                    if due and val_dataset is not None:
                        run.evaluate(val_dataset, procedure, num_workers, caution, auc_roc=auc_roc)
                    checkpoint = run.save(keep_checkpoint_max)
                if stop.received:
                    log.warning("Stopped by %s; go on with --resume_model %s", stop.received.name, checkpoint)
                    break
                if early_stop_intervals and progress.evaluations_without_gain >= early_stop_intervals:
                    log.info("No better mIoU in %d evaluations: stopping early", early_stop_intervals)
                    break
        if checkpoint is None:  # resumed at the end
            checkpoint = Path(resume_model) if resume_model else save_dir
        viewer = "visualdl" if use_vdl else "tensorboard"
        done = progress.iteration
        log.info("Trained to iteration %d: %s. Curves: %s --logdir %s", done, checkpoint, viewer, save_dir)
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
