"""A schedule that falls when the loss no longer does."""

from typing import Any, Literal

from torch.optim import Optimizer

from segwright.optim.schedule import Schedule, check_factor
from segwright.registry import SCHEDULERS


@SCHEDULERS.register
class ReduceOnPlateau(Schedule):
    """The rate times ``factor`` when the loss of ``patience`` iterations in a row was no better than the best.

    As in PaddleSeg it sees the loss of every iteration, not of an epoch, so ``patience`` counts iterations.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at the start.
        mode: ``min`` where smaller is better.
        factor: on the rate, between 0 and 1.
        patience: iterations without a better loss that are borne; one more, and the rate falls.
        threshold: by how much better a loss must be to count as better.
        threshold_mode: whether that is a share of the best loss, ``rel``, or a difference, ``abs``.
        cooldown: iterations after a fall that count neither way.
        min_lr: lowest rate.
        epsilon: a fall that is not larger than this does not take place.
        warmup_iters: see ``Schedule``; losses count from its end.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        epsilon: float = 1e-8,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        check_factor(factor=factor)
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.epsilon = epsilon
        self.state: dict[str, Any] = {"rate": learning_rate, "best": None, "bad": 0, "resting": 0}
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def observe(self, loss: float) -> None:
        """Take note of a loss, and lower the rate of the next step if it is time to."""
        state = self.state
        if self.last_epoch < self.warmup_iters:
            return
        if state["resting"]:
            state["resting"] -= 1
            return
        if self._is_better(loss):
            state["best"], state["bad"] = loss, 0
        else:
            state["bad"] += 1
        if state["bad"] > self.patience:
            state["bad"], state["resting"] = 0, self.cooldown
            lower = max(state["rate"] * self.factor, self.min_lr)
            if state["rate"] - lower > self.epsilon:
                state["rate"] = lower

    def _is_better(self, loss: float) -> bool:
        best = self.state["best"]
        if best is None:
            return True
        margin = self.threshold * (best if self.threshold_mode == "rel" else 1)
        return loss < best - margin if self.mode == "min" else loss > best + margin

    def value(self, step: int) -> float:  # noqa: ARG002
        """The rate after all falls so far."""
        return self.state["rate"]

    def state_dict(self) -> dict[str, Any]:
        """The step, the rate and what was seen of the losses."""
        return {**super().state_dict(), **self.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.state = {key: state[key] for key in self.state}
        super().load_state_dict(state)
