"""Schedules on one straight line."""

from torch.optim import Optimizer

from segwright.errors import ConfigError
from segwright.optim.schedule import Schedule, check_positive
from segwright.registry import SCHEDULERS


@SCHEDULERS.register
class LinearLR(Schedule):
    """A straight line from ``start_factor`` to ``end_factor`` times the rate over ``total_steps``, then level.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate that the factors apply to.
        total_steps: length of the line.
        start_factor: above 0, up to 1.
        end_factor: from 0 to 1.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        total_steps: int,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        if not (0 < start_factor <= 1 and 0 <= end_factor <= 1):
            raise ConfigError(
                f"start_factor must be above 0 and at most 1, end_factor from 0 to 1; got {start_factor}, {end_factor}"
            )
        check_positive(total_steps=total_steps)
        self.total_steps = total_steps
        self.start_factor = start_factor
        self.end_factor = end_factor
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The rate on the line."""
        progress = min(step, self.total_steps) / self.total_steps
        return self.learning_rate * (self.start_factor + (self.end_factor - self.start_factor) * progress)


@SCHEDULERS.register
class LinearWarmup(Schedule):
    """A straight line from ``start_lr`` to ``end_lr`` over ``warmup_steps``, then ``learning_rate``.

    This is Paddle's class by its own name. The warm-up of any other schedule is its ``warmup_iters``.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate after the line.
        warmup_steps: length of the line.
        start_lr: rate of the first step.
        end_lr: rate that the line would reach at its end; above ``start_lr``.
    """

    rate_arguments = ("learning_rate", "start_lr", "end_lr")

    def __init__(
        self, optimizer: Optimizer, learning_rate: float, warmup_steps: int, start_lr: float, end_lr: float
    ) -> None:
        if end_lr <= start_lr:
            raise ConfigError(f"end_lr must be above start_lr, got {end_lr} and {start_lr}")
        check_positive(warmup_steps=warmup_steps)
        self.warmup_steps = warmup_steps
        self.start_lr = start_lr
        self.end_lr = end_lr
        super().__init__(optimizer, learning_rate)

    def value(self, step: int) -> float:
        """The rate on the line, or after it."""
        if step >= self.warmup_steps:
            return self.learning_rate
        return self.start_lr + (self.end_lr - self.start_lr) * step / self.warmup_steps
