"""Schedules on half waves of a cosine (SGDR: Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983)."""

import math

from torch.optim import Optimizer

from segwright.optim.schedule import Schedule, check_positive
from segwright.registry import SCHEDULERS


def half_wave(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at 1, level at both."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


@SCHEDULERS.register
class CosineAnnealingDecay(Schedule):
    """From the rate down to ``eta_min`` in ``T_max`` steps, then, as in Paddle, up again in as many, and so on.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at the start.
        T_max: steps of the way down.
        eta_min: lowest rate.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        T_max: int,  # noqa: N803  (Paddle's names)
        eta_min: float = 0.0,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        check_positive(T_max=T_max)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The rate on the wave."""
        return half_wave(self.learning_rate, self.eta_min, step / self.T_max)


@SCHEDULERS.register
class CosineAnnealingWarmRestarts(Schedule):
    """From the rate down to ``eta_min``, again and again, each time in ``T_mult`` times as many steps.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at each start.
        T_0: steps of the first way down.
        T_mult: how many times longer each is than the one before.
        eta_min: lowest rate.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        T_0: int,  # noqa: N803
        T_mult: int = 1,  # noqa: N803
        eta_min: float = 0.0,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        check_positive(T_0=T_0, T_mult=T_mult)
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The rate on the present way down."""
        length = self.T_0
        if self.T_mult == 1:
            step %= length
        while step >= length:
            step, length = step - length, length * self.T_mult
        return half_wave(self.learning_rate, self.eta_min, step / length)
