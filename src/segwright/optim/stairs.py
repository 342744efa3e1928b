"""Schedules that stay level and fall at certain steps."""

from bisect import bisect_right
from itertools import pairwise

from torch.optim import Optimizer

from segwright.errors import ConfigError
from segwright.optim.schedule import Schedule, check_factor, check_positive
from segwright.registry import SCHEDULERS


@SCHEDULERS.register
class StepDecay(Schedule):
    """The rate times ``gamma`` every ``step_size`` steps.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at the start.
        step_size: steps on each level.
        gamma: factor from level to level, between 0 and 1.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        step_size: int,
        gamma: float = 0.1,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        check_positive(step_size=step_size)
        check_factor(gamma=gamma)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """``learning_rate gamma^floor(step / step_size)``."""
        return self.learning_rate * self.gamma ** (step // self.step_size)


@SCHEDULERS.register
class MultiStepDecay(Schedule):
    """The rate times ``gamma`` at each of the ``milestones``.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at the start.
        milestones: steps, in rising order, that are the first on a new level.
        gamma: factor from level to level, between 0 and 1.
        warmup_iters: see ``Schedule``; the milestones count from its end.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        milestones: list[int],
        gamma: float = 0.1,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        _check_rising("milestones", milestones)
        check_factor(gamma=gamma)
        self.milestones = list(milestones)
        self.gamma = gamma
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """``learning_rate gamma^n`` after n milestones."""
        return self.learning_rate * self.gamma ** bisect_right(self.milestones, step)


@SCHEDULERS.register
class PiecewiseDecay(Schedule):
    """Given rates between given steps.

    Args:
        optimizer: what the rate is for.
        boundaries: steps, in rising order, that are the first with the next rate.
        values: the rates, one more than there are boundaries.
        warmup_iters: see ``Schedule``; the boundaries count from its end. In PaddleSeg these two cannot be combined.
        warmup_start_lr: see ``Schedule``.
    """

    rate_arguments = ("values",)

    def __init__(
        self,
        optimizer: Optimizer,
        boundaries: list[int],
        values: list[float],
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        _check_rising("boundaries", boundaries)
        if len(values) != len(boundaries) + 1:
            raise ConfigError(
                f"{len(boundaries)} boundaries separate {len(boundaries) + 1} rates, but values has {len(values)}"
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        super().__init__(optimizer, values[0], warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The rate between the boundaries around ``step``."""
        return self.values[bisect_right(self.boundaries, step)]


def _check_rising(name: str, steps: list[int]) -> None:
    if not steps or any(later <= earlier for earlier, later in pairwise(steps)):
        raise ConfigError(f"{name} must be steps in rising order, got {list(steps)}")
