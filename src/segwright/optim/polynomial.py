"""The "poly" policy of DeepLab (Chen et al., 2017, https://arxiv.org/abs/1606.00915, section 4.1), and a variant."""

import math

from torch.optim import Optimizer

from segwright.errors import ConfigError
from segwright.optim.schedule import Schedule, check_positive
from segwright.registry import SCHEDULERS


@SCHEDULERS.register
class PolynomialDecay(Schedule):
    """``(lr - end_lr) (1 - t / T)^power + end_lr``, T being ``decay_steps``.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at t = 0.
        decay_steps: T; default: the iterations of the run less the warm-up.
        end_lr: rate from T on.
        power: 1 is a straight line.
        cycle: start over with a T twice, three times ... as long instead of staying at ``end_lr``.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        decay_steps: int,
        end_lr: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        if decay_steps < 1:
            raise ConfigError(
                f"decay_steps must be at least 1, got {decay_steps} (does the warm-up fill the whole run?)"
            )
        check_positive(power=power)
        self.decay_steps = decay_steps
        self.end_lr = end_lr
        self.power = power
        self.cycle = cycle
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The formula above."""
        total = self.decay_steps
        if self.cycle:
            total *= max(1, -(-step // total))
        progress = min(step, total) / total
        return (self.learning_rate - self.end_lr) * (1 - progress) ** self.power + self.end_lr


@SCHEDULERS.register
class LambdaDecay(Schedule):
    """``lr (1 - ceil(t / L) / E)^power``: the "poly" policy in steps, one for each of E epochs of L iterations.

    Trainings of MscaleOCR with polarized self-attention use it; PaddleSeg itself does not have it. As there, the whole
    rate is that of the first iteration alone: the step of the first epoch comes at its second iteration.

    Args:
        optimizer: what the rate is for.
        learning_rate: rate at t = 0.
        max_epoch: E; the rate is 0 from then on.
        power: 1 is a straight line.
        len_train_dataset: L, in iterations: pictures in the data set over batch size and devices.
        warmup_iters: see ``Schedule``.
        warmup_start_lr: see ``Schedule``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        max_epoch: int,
        power: float,
        len_train_dataset: int,
        warmup_iters: int = 0,
        warmup_start_lr: float = 0.0,
    ) -> None:
        if max_epoch < 1 or len_train_dataset < 1:
            raise ConfigError(
                f"max_epoch and len_train_dataset must be at least 1, got {max_epoch} and {len_train_dataset}"
            )
        check_positive(power=power)
        self.max_epoch = max_epoch
        self.power = power
        self.len_train_dataset = len_train_dataset
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The formula above."""
        epoch = min(math.ceil(step / self.len_train_dataset), self.max_epoch)
        return self.learning_rate * (1 - epoch / self.max_epoch) ** self.power
