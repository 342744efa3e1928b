"""One training run under way: a step, a log line, an evaluation, a save."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from segwright import atomic
from segwright.datasets import SegmentationDataset
from segwright.engine.checkpoint import MODEL, Best, Progress, Stateful, checkpoints, iteration_of, save_checkpoint
from segwright.engine.ema import EMA
from segwright.engine.evaluation import Observer, evaluate
from segwright.engine.faults import BATCH_FOLDER, Buffers, not_finite, save_batch
from segwright.engine.inference import Procedure
from segwright.engine.master_weights import MasterWeights
from segwright.engine.objective import Objective
from segwright.engine.order import TrainingOrder
from segwright.engine.previews import Previews
from segwright.engine.processes import Processes
from segwright.engine.recorder import Recorder
from segwright.engine.speed import Speed
from segwright.engine.validation_loss import ValidationLoss
from segwright.errors import TrainingError
from segwright.optim import Schedule, base_rate
from segwright.weights import save_weights

log = logging.getLogger("segwright")

SKIPPED_STEPS = 25  # in a row, that half precision may overflow in


@dataclass(frozen=True)
class EvaluationOptions:
    """How a run evaluates.

    Attributes:
        procedure: how to predict; None is plain.
        num_workers: reading processes.
        auc_roc: also compute the areas under the ROC curves.
        val_loss: also compute the loss.
        num_previews: pictures to show.
        caution: what to keep in mind with the scores; it is logged beside them.
    """

    procedure: Procedure | None = None
    num_workers: int = 0
    auc_roc: bool = False
    val_loss: bool = True
    num_previews: int = 4
    caution: str = ""


class Run:
    """One run under way: the state that a step changes.

    Args:
        model: on its device, as ``speed`` lays it out.
        objective: what it learns.
        optimizer: over its parameters.
        schedule: stepped after every iteration, if there is one.
        parts: what has a state and goes into checkpoints.
        speed: how it computes.
        accelerator: as ``speed`` made it.
        processes: those of this run.
        order: of the samples.
        progress: where the run stands.
        recorder: is told what happens.
        save_dir: gets checkpoints.
        masters: float32 weights behind a model in half precision, if it is.
        ema: the average of its weights, if one is kept.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule | None,
        *,
        parts: Mapping[str, Stateful],
        speed: Speed,
        accelerator: Accelerator,
        processes: Processes,
        order: TrainingOrder,
        progress: Progress,
        recorder: Recorder,
        save_dir: Path,
        masters: MasterWeights | None = None,
        ema: EMA | None = None,
    ) -> None:
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.plain_model, self.plain_optimizer = model, optimizer
        self.objective = objective.to(accelerator.device)
        self.schedule, self.parts, self.speed = schedule, parts, speed
        self.accelerator, self.processes, self.order = accelerator, processes, order
        self.progress, self.recorder, self.save_dir = progress, recorder, save_dir
        self.saved = [folder for folder in checkpoints(save_dir) if iteration_of(folder) <= progress.iteration]
        self.buffers = Buffers(model)
        self.masters, self.ema = masters, ema
        self.updating = False
        self.overflows = 0
        self.model.train()

    def step(self, batches: Iterator[dict[str, Any]], *, log_now: bool, stop: bool = False) -> bool:
        """One iteration: read, forward, backward, update.

        Args:
            batches: of this process.
            log_now: write a log line after it.
            stop: this process was asked to stop.

        Returns:
            Whether any process was asked to stop: the same in all of them.

        Raises:
            TrainingError: the loss or its gradient is not finite. The weights are those before the step.
        """
        start = time.perf_counter()
        seed_generators(self.order.seed, self.progress.iteration, self.processes.rank)
        self.buffers.keep()
        own, batch, waited = self._gradients(batches)
        norm = self._gradient_norm()
        told = own.new_tensor([float(stop)])
        *parts, norm, stops = self.processes.total(torch.cat([own, norm.to(own)[None], told])).tolist()
        parts, norm = [part / self.processes.count for part in parts], norm / self.processes.count
        trouble = not_finite(parts, self.recorder.names(len(parts)), norm)
        if trouble:
            self._overflow(trouble, own, batch)
        else:
            self.overflows = 0
        rate = base_rate(self.plain_optimizer)
        self._update(sum(parts))
        self.recorder.step(parts, waited, time.perf_counter() - start)
        if log_now:
            self.recorder.train(self.progress.iteration, rate=rate, gradient_norm=norm)
        return stops > 0

    def _gradients(self, batches: Iterator[dict[str, Any]]) -> tuple[Tensor, dict[str, Any], float]:
        """Forward and backward through the batches of one iteration: losses, last batch, seconds waited for data."""
        waited, total = 0.0, None
        for number in range(self.order.accumulate):
            before = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - before
            self.recorder.batch(batch)
            device = self.accelerator.device
            batch |= {name: value.to(device, non_blocking=True) for name, value in batch.items() if name != "file"}
            batch["image"] = batch["image"].contiguous(memory_format=self.speed.memory_format)
            last = number == self.order.accumulate - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                losses = torch.stack(self.objective(self.model(batch["image"]), batch)) / self.order.accumulate
                self.accelerator.backward(losses.sum())
            total = losses.detach() if total is None else total + losses.detach()
        if self.masters is not None:
            self.masters.collect_gradients()
        if self.accelerator.scaler is not None:
            self.accelerator.unscale_gradients(self.optimizer)
        assert total is not None
        return total, batch, waited

    def _gradient_norm(self) -> Tensor:
        """Length of the gradient, of all parameters together, before it is clipped."""
        gradients = [
            parameter.grad
            for group in self.plain_optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        return torch.nn.utils.get_total_norm(gradients)

    def _update(self, loss: float) -> None:
        self.updating = True
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update()
        if self.schedule is not None:
            self.schedule.observe(loss)
            self.schedule.step()
        self.progress.iteration += 1
        self.buffers.release()
        self.updating = False

    def _overflow(self, trouble: str, own: Tensor, batch: dict[str, Any]) -> None:
        """In fp16, let the scaler leave this step out, which a smaller scale mends; else end training."""
        self.buffers.restore()
        self.overflows += 1
        if self.accelerator.scaler is not None and self.overflows < SKIPPED_STEPS:
            return
        where, iteration = "", self.progress.iteration + 1
        if not bool(own.isfinite().all()) or self.processes.count == 1:
            tensors = {name: value for name, value in batch.items() if isinstance(value, Tensor)}
            path = save_batch(self.save_dir, iteration, self.processes.rank, tensors)
            where = f"Pictures of this batch: {', '.join(batch['file'])}. Its tensors are in {path}. "
        folder = self.save_dir / BATCH_FOLDER / f"iter_{self.progress.iteration}"
        if self.processes.first:
            self._write(folder)
        steps = f" in {self.overflows} steps on end, up to the present one," if self.overflows > 1 else ""
        raise TrainingError(
            f"{trouble}{steps} at iteration {iteration}. {where}--resume_model {folder} comes to this step at once. "
            "Lower the learning rate, add a warm-up, clip gradients (optimizer.grad_clip_cfg), or look at these "
            f"pictures and labels; {f'{self.saved[-1]} is the last checkpoint' if self.saved else 'no checkpoint yet'}"
        )

    def evaluate(self, dataset: SegmentationDataset, options: EvaluationOptions) -> None:
        """Score the model as it is, and keep it as ``best_model`` if it is the best so far.

        The average of its weights, if there is one, is scored as well, and kept as ``ema_best_model``.
        """
        progress = self.progress
        scores = self._scores(dataset, options, previews=options.num_previews)
        better = self._judge(scores, progress.best, "best_model", "eval", self._state())
        if self.ema is not None:
            with self._averaged(self.ema):
                scores = self._scores(dataset, options)
                better |= self._judge(scores, progress.best_ema, "ema_best_model", "eval_ema", self.ema.average)
        progress.evaluations_without_gain = 0 if better else progress.evaluations_without_gain + 1
        self.model.train()

    def _scores(self, dataset: SegmentationDataset, options: EvaluationOptions, previews: int = 0) -> dict[str, Any]:
        iteration, shown = self.progress.iteration, None
        observers: list[Observer] = []
        if previews and self.processes.first:
            folder = self.save_dir / "previews" / f"iter_{iteration:06d}"
            shown = Previews(dataset, folder, self.processes.share(len(dataset)), previews)
            observers.append(shown)
        loss = ValidationLoss.of(self.objective) if options.val_loss else None
        if loss is not None:
            observers.append(loss)
        result = evaluate(
            self.accelerator.unwrap_model(self.model),
            dataset,
            procedure=options.procedure,
            num_workers=options.num_workers,
            device=self.accelerator.device,
            auc_roc=options.auc_roc,
            observers=observers,
            keep_layout=True,
        )
        if options.caution:
            log.warning("[EVAL] %s", options.caution)
        if shown is not None:
            self.recorder.previews(shown.images, iteration)
        scores = result.scores()
        return scores if loss is None else {**scores, "loss": loss.mean(self.processes, self.accelerator.device)}

    @contextmanager
    def _averaged(self, ema: EMA) -> Iterator[None]:
        with ema.swapped_in():
            if self.masters is not None:
                self.masters.refresh()
            yield
        if self.masters is not None:
            self.masters.refresh()

    def _judge(self, scores: dict[str, Any], best: Best, name: str, event: str, state: Mapping[str, Tensor]) -> bool:
        """Record scores; keep the ``state`` that they are of if they are the best so far, and say whether they are."""
        iteration = self.progress.iteration
        self.recorder.evaluation(event, iteration, scores)
        self.recorder.fall(scores, best.miou, best.iteration)
        miou = scores["mIoU"] or 0.0
        better = best.miou is None or miou > best.miou
        if better:
            best.miou, best.iteration = miou, iteration
            if self.processes.first:
                with atomic.new_folder(self.save_dir / name) as part:
                    save_weights(self.plain_model, part / MODEL, state)
                    atomic.write_json(part / "metrics.json", {"iter": iteration, **scores})
        log.info(
            "[EVAL] The model with the best validation mIoU (%.4f) was saved at iter %d%s.",
            best.miou,
            best.iteration,
            " as ema_best_model" if event == "eval_ema" else "",
        )
        return better

    def save(self, keep: int) -> Path:
        """Write a checkpoint and remove the oldest of this run beyond ``keep``."""
        folder = self.save_dir / f"iter_{self.progress.iteration}"
        self.saved = [*(older for older in self.saved if older != folder), folder]
        if self.processes.first:
            self._write(folder)
            while len(self.saved) > keep:
                atomic.remove_folder(self.saved.pop(0))
        return folder

    def _write(self, folder: Path) -> None:
        save_checkpoint(folder, self.plain_model, self.parts, self.progress, self._state())

    def _state(self) -> Mapping[str, Tensor]:
        """The model's state as it learns: in float32."""
        return self.plain_model.state_dict() if self.masters is None else self.masters.state_dict()

    def save_after_failure(self, keep: int) -> Path | None:
        """Keep what was learned up to the step that failed, unless that is saved or was being changed when it did."""
        iteration = self.progress.iteration
        if self.updating or self.overflows or not iteration or iteration in map(iteration_of, self.saved):
            return None
        self.buffers.restore()
        return self.save(keep)

    def close(self) -> None:
        """Close the trackers' files, and give the model back without the wrapper that set its precision.

        The wrapper of several processes goes first. Were it the last to hold their group, it would wait for the group's
        threads without letting them run Python, for which they in turn wait now and then: for ever
        (https://github.com/pytorch/pytorch/issues/56297).
        """
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        self.model = self.plain_model
        self.accelerator.free_memory()
        self.accelerator.end_training()
        if self.masters is not None:
            self.masters.release()


def seed_generators(seed: int, iteration: int, rank: int) -> None:
    """Have torch's random numbers of an iteration, for dropout and the like, depend on these three alone."""
    (number,) = np.random.SeedSequence([seed, iteration, rank]).generate_state(1, np.uint64)
    torch.manual_seed(int(number >> np.uint64(1)))
