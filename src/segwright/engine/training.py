"""The training loop: iterations, not epochs; can be stopped at any moment and resumed exactly."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from segwright import atomic
from segwright.config import to_yaml
from segwright.console import show_log, track
from segwright.datasets import SegmentationDataset
from segwright.datasets.cache import DecodedCache
from segwright.datasets.digest import write_listing
from segwright.engine.checkpoint import Progress, check_space, checkpoints, compare, restore, verify
from segwright.engine.device import select_device
from segwright.engine.ema import EMA
from segwright.engine.faults import explaining_memory
from segwright.engine.inference import Procedure
from segwright.engine.interrupt import StopSignal
from segwright.engine.ledger import facts
from segwright.engine.loader import OnBad, training_batches
from segwright.engine.master_weights import MasterWeights
from segwright.engine.objective import Objective
from segwright.engine.order import TrainingOrder
from segwright.engine.precheck import check_data
from segwright.engine.preparation import agree, announce, compare_data, digests, exclusive, starting_point
from segwright.engine.processes import connect, losing_none
from segwright.engine.profiling import Profiler
from segwright.engine.readers import READER_TIMEOUT
from segwright.engine.recorder import Recorder
from segwright.engine.run import EvaluationOptions, Run
from segwright.engine.speed import DTYPES, Speed
from segwright.engine.trackers import chosen_trackers, how_to_watch, make_trackers
from segwright.errors import ConfigError, SegwrightError
from segwright.layers.sync_batch_norm import synchronise_batch_norm
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
    accumulate: int = 1,
    resume_model: str | Path | None = None,
    save_interval: int = 1000,
    log_iters: int = 10,
    num_workers: int = 0,
    use_vdl: bool = False,
    trackers: Sequence[str] | None = None,
    keep_checkpoint_max: int = 5,
    early_stop_intervals: int | None = None,
    speed: Speed | None = None,
    use_ema: bool = False,
    device: str = "auto",
    seed: int = 0,
    repeats: int = 1,
    on_bad: OnBad = "fail",
    reader_timeout: float = READER_TIMEOUT,
    procedure: Procedure | None = None,
    auc_roc: bool = False,
    val_loss: bool = True,
    num_previews: int = 4,
    profiler_options: str | None = None,
    cache_mb: int = 0,
    config: Mapping[str, Any] | None = None,
    complete_config: Mapping[str, Any] | None = None,
    force: bool = False,
) -> TrainingResult:
    """Train a model, in this process or, where ``torchrun`` has started several, as one of them.

    Args:
        model: gives a list of logits in training, one for each loss.
        train_dataset: in mode ``train``.
        val_dataset: evaluated at every save; the best model is kept. None: no evaluation.
        optimizer: over the parameters of ``model``.
        losses: ``{"types": [loss, ...], "coef": [1.0, ...]}``; one type serves all outputs.
        lr_scheduler: stepped after every iteration; None keeps the optimiser's rate.
        save_dir: gets ``iter_N/``, ``best_model/``, ``log.jsonl`` and the tracker's files.
        iters: iterations of the whole run.
        batch_size: samples a step of one process; batch norms see as many times the number of processes.
        accumulate: steps whose gradients make one iteration.
        resume_model: checkpoint folder to go on from; ``auto`` takes the newest whole one in ``save_dir``, if any.
        save_interval: iterations from checkpoint to checkpoint; the last iteration is always saved.
        log_iters: iterations from log line to log line.
        num_workers: reading processes; 0 reads ahead in a thread.
        use_vdl: write VisualDL's log instead of TensorBoard's.
        trackers: names of what shows the curves, see ``engine.trackers``.
        keep_checkpoint_max: checkpoints to keep, newest first; the best model is kept apart.
        early_stop_intervals: stop after this many evaluations without a better mIoU.
        speed: precision, memory layout, compilation.
        use_ema: also average the weights over the iterations; the average is evaluated and kept beside them.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.
        seed: decides sample order, augmentation and dropout.
        repeats: times that each picture occurs in an epoch.
        on_bad: ``skip`` leaves out pictures and label maps that cannot be used, up to 1 % of them.
        reader_timeout: seconds that a batch may take to be read.
        procedure: how to predict in evaluation.
        auc_roc: also compute the areas under the ROC curves in evaluation.
        val_loss: also compute the first loss on validation pictures.
        num_previews: validation pictures to show at each evaluation.
        profiler_options: steps to profile, see ``engine.profiling``.
        cache_mb: memory for decoded pictures, in MB, of all processes on this machine together.
        config: the merged configuration, kept in the checkpoints.
        complete_config: the same with every default spelled out; goes to ``config.yml``.
        force: resume although settings differ from the checkpoint's.

    Raises:
        ConfigError: arguments contradict each other, before any picture is read.
        DataError: a picture or label map cannot be used.
        TrainingError: the loss is not finite, memory ran out, a reader or another process was lost, or ``save_dir``
            cannot be written or is in use. What was learned is saved if it can be.
    """
    show_log()
    _check_counts(
        iters=iters,
        batch_size=batch_size,
        accumulate=accumulate,
        save_interval=save_interval,
        log_iters=log_iters,
        keep_checkpoint_max=keep_checkpoint_max,
        repeats=repeats,
    )
    if train_dataset.mode != "train":
        raise ConfigError(f"train_dataset is in mode '{train_dataset.mode}'; build it with mode 'train'")
    objective = Objective.of(losses)
    objective.check(model, train_dataset)
    target, speed, save_dir = select_device(device), speed or Speed(), Path(save_dir)
    speed.check(target)
    processes = connect(target)
    order = TrainingOrder(
        len(train_dataset),
        batch_size=batch_size,
        iters=iters,
        seed=seed,
        repeats=repeats,
        accumulate=accumulate,
        rank=processes.rank,
        processes=processes.count,
    )
    chosen = complete_config or config or {}
    settings = {
        "iters": iters,
        "batch_size": order.effective_batch,
        "seed": seed,
        "repeats": repeats,
        "precision": speed.precision,
        "amp_level": speed.amp_level,
        "use_ema": use_ema,
        "frozen": [name for name, value in model.named_parameters() if not value.requires_grad],
        "samples": len(train_dataset),
        "config": {key: value for key, value in chosen.items() if key not in ("iters", "batch_size")} or None,
    }
    with ExitStack() as stack:
        stack.enter_context(losing_none(processes))
        caution = ""
        with processes.first_goes_ahead():
            if processes.first:
                caution = check_data(train_dataset, val_dataset, on_bad=on_bad)
                stack.enter_context(exclusive(save_dir))
                atomic.remove_leftovers(save_dir)
                check_space(save_dir, model)
        model.to(target)
        if processes.count > 1:
            synchronise_batch_norm(model)
        speed.shape(model)
        folder, state = starting_point(resume_model, save_dir), None
        data = digests(train_dataset, val_dataset) if processes.first else {}
        if folder is not None:
            state = verify(folder)
            if not force:
                if processes.first:
                    compare_data(folder, state, data)  # first: it can name what changed where settings count samples
                compare(folder, state, settings)
            order.start = state["iteration"]
        agree(processes, order.start, target)
        if folder is None and checkpoints(save_dir):
            log.warning(
                "%s holds an older run; its checkpoints stay until this run writes ones of the same name", save_dir
            )
        tracker_names = chosen_trackers(trackers, use_vdl=use_vdl)
        accelerator = speed.accelerator(target, make_trackers(tracker_names, save_dir, order.start, config))
        accelerator.init_trackers("segwright")
        ema = EMA(model) if use_ema else None
        parts = {"optimizer": optimizer, "schedule": lr_scheduler, "scaler": accelerator.scaler, "ema": ema}
        parts = {name: part for name, part in parts.items() if part is not None}
        progress = restore(folder, state, model, parts) if folder and state else Progress()
        if ema is not None and ema.step == 0:  # none was resumed, but the weights may have been
            ema.restart()
        progress.settings = settings
        progress.ledger = facts(
            settings={**settings, "config": config},
            config=chosen,
            device=target,
            data=data,
            num_processes=processes.count,
        )
        if processes.first:
            for digest in data.values():
                write_listing(save_dir, digest)
            atomic.write_json(save_dir / "run.json", progress.ledger)
            if complete_config is not None:
                atomic.write_text(save_dir / "config.yml", to_yaml(complete_config))
        if folder:
            log.info("Resumed from %s at iteration %d", folder, progress.iteration)
        masters = MasterWeights(model, optimizer, DTYPES[speed.precision]) if speed.amp_level == "O2" else None
        recorder = Recorder(
            save_dir,
            progress.iteration,
            order=order,
            train_dataset=train_dataset,
            val_dataset=val_dataset,
            accelerator=accelerator,
            names=getattr(model, "output_names", None),
        )
        run = stack.enter_context(
            closing(
                Run(
                    model,
                    objective,
                    optimizer,
                    lr_scheduler,
                    parts=parts,
                    speed=speed,
                    accelerator=accelerator,
                    processes=processes,
                    order=order,
                    progress=progress,
                    recorder=recorder,
                    save_dir=save_dir,
                    masters=masters,
                    ema=ema,
                )
            )
        )
        announce(run, optimizer, target, num_workers)
        batches = training_batches(
            train_dataset,
            order,
            num_workers=num_workers,
            pin=target.type == "cuda",
            on_bad=on_bad,
            timeout=reader_timeout,
        )
        if cache_mb:
            train_dataset.cache = DecodedCache(cache_mb // processes.local_count, len(train_dataset))
        evaluation = EvaluationOptions(procedure, num_workers, auc_roc, val_loss, num_previews, caution)
        profiler = Profiler(
            profiler_options, save_dir, target, steps=iters - progress.iteration, records=processes.first
        )
        checkpoint = folder or save_dir  # until this run writes one
        learned = _keeping_what_was_learned(run, keep_checkpoint_max)
        with StopSignal() as stop, closing(batches), profiler, learned, losing_none(processes):
            for iteration in track(range(progress.iteration + 1, iters + 1), "training"):
                log_now = iteration % log_iters == 0 or iteration == iters
                with explaining_memory(batch_size=batch_size, accumulate=accumulate, precision=speed.precision):
                    stopped = run.step(batches, log_now=log_now, stop=stop.received is not None)
                due = iteration % save_interval == 0 or iteration == iters
                profiled = profiler.step()
                if due or stopped or profiled:
                    if due and val_dataset is not None:
                        run.evaluate(val_dataset, evaluation)
                    checkpoint = run.save(keep_checkpoint_max)
                if stopped:
                    name = stop.received.name if stop.received else "a signal to another process"
                    log.warning("Stopped by %s; go on with --resume_model %s", name, checkpoint)
                    break
                if profiled:
                    log.info("The steps to profile are done; go on with --resume_model %s", checkpoint)
                    break
                if early_stop_intervals and progress.evaluations_without_gain >= early_stop_intervals:
                    log.info("No better mIoU in %d evaluations: stopping early", early_stop_intervals)
                    break
        done, watch = progress.iteration, how_to_watch(tracker_names, save_dir)
        log.info("Trained to iteration %d: %s.%s", done, checkpoint, f" Curves: {watch}" if watch else "")
        best = progress.best
        return TrainingResult(done, best.miou, best.iteration, checkpoint, stop.exit_code)


@contextmanager
def _keeping_what_was_learned(run: Run, keep: int) -> Iterator[None]:
    """When the block fails, write a checkpoint of the last whole step, and say so at the end of the message."""
    try:
        yield
    except Exception as error:
        folder = run.save_after_failure(keep)
        if folder is None or not run.processes.first:
            raise
        kept = f"Training up to this point is in {folder}: go on with --resume_model"
        if isinstance(error, SegwrightError):
            raise type(error)(f"{error}. {kept}") from error
        log.warning("%s", kept)
        raise


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
