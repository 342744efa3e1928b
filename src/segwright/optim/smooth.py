"""Schedules that fall smoothly by a formula of the step t, without an end."""

import math

from torch.optim import Optimizer

from segwright.optim.schedule import Schedule, check_factor, check_positive
from segwright.registry import SCHEDULERS


class _GammaDecay(Schedule):
    """A rate, and ``gamma``, which says how fast it falls.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at the start.
        gamma: how fast it falls.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        gamma: float,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        self.check(gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    check = staticmethod(check_positive)


@SCHEDULERS.register
class ExponentialDecay(_GammaDecay):
    """``lr gamma^t``, gamma between 0 and 1; for the warm-up see ``Schedule``."""

    check = staticmethod(check_factor)

    def value(self, step: int) -> float:
        """The formula above."""
        return self.learning_rate * self.gamma**step


@SCHEDULERS.register
class NaturalExpDecay(_GammaDecay):
    """``lr exp(-gamma t)``, gamma above 0; for the warm-up see ``Schedule``."""

    def value(self, step: int) -> float:
        """The formula above."""
        return self.learning_rate * math.exp(-self.gamma * step)


@SCHEDULERS.register
class InverseTimeDecay(_GammaDecay):
    """``lr / (1 + gamma t)``, gamma above 0; for the warm-up see ``Schedule``."""

    def value(self, step: int) -> float:
        """The formula above."""
        return self.learning_rate / (1 + self.gamma * step)


@SCHEDULERS.register
class NoamDecay(Schedule):
    """``lr d^-0.5 min(t^-0.5, t w^-1.5)``: up for w steps, then down with the root of the step.

    Vaswani et al., 2017, https://arxiv.org/abs/1706.03762, section 5.3. It is its own warm-up; the rate of the first
    iteration is 0.

    Args:
        optimizer: what the rate is for.
        d_model: d, the width of the model.
        warmup_steps: w.
        learning_rate: a factor on the whole.
    """

    def __init__(self, optimizer: Optimizer, d_model: int, warmup_steps: int, learning_rate: float = 1.0) -> None:
        check_positive(d_model=d_model, warmup_steps=warmup_steps)
        self.d_model = d_model
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, learning_rate)

    def value(self, step: int) -> float:
        """The formula above."""
        return self.learning_rate * self.d_model**-0.5 * min(max(step, 1) ** -0.5, step * self.warmup_steps**-1.5)
