"""Learning rate as a function of the step, stepped once after every iteration."""

import math
from abc import abstractmethod

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from segwright.errors import ConfigError
from segwright.registry import SCHEDULERS


class Schedule(LRScheduler):
    """A schedule in closed form, with linear warm-up; its state is the number of steps taken.

    Args:
        optimizer: its groups may hold ``lr_mult``, a factor on the rate.
        learning_rate: rate at the start of the schedule proper, which is the end of the warm-up.
        warmup_iters: steps during which the rate grows linearly; the schedule proper starts after them.
        warmup_start_lr: rate of the first of these steps.
    """

    def __init__(
        self, optimizer: Optimizer, learning_rate: float, warmup_iters: int = 0, warmup_start_lr: float = 0.0
    ) -> None:
        if warmup_iters < 0 or learning_rate < 0:
            raise ConfigError(
                f"want no negative values, got learning_rate {learning_rate}, warmup_iters {warmup_iters}"
            )
        self.learning_rate = learning_rate
        self.warmup_iters = warmup_iters
        self.warmup_start_lr = warmup_start_lr
        super().__init__(optimizer)

    @abstractmethod
    def value(self, step: int) -> float:
        """Rate ``step`` steps after the warm-up, which counts from 0."""

    def rate(self, step: int) -> float:
        """Rate of iteration ``step + 1``."""
        if step < self.warmup_iters:
            return self.warmup_start_lr + (self.learning_rate - self.warmup_start_lr) * step / self.warmup_iters
        return self.value(step - self.warmup_iters)

    def get_lr(self) -> list[float | Tensor]:
        """Rates of the parameter groups at the present step; called by ``step``."""
        rate = self.rate(self.last_epoch)
        return [rate * group.get("lr_mult", 1.0) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, int]:
        """The step alone: the rest is the configuration's."""
        return {"step": self.last_epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a step; the next ``step()`` sets the rates of the one after it."""
        self.last_epoch = state["step"]
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate


@SCHEDULERS.register("ConstantLR")
class ConstantLR(Schedule):
    """The same rate throughout, after the warm-up."""

    def value(self, step: int) -> float:  # noqa: ARG002
        """``learning_rate``."""
        return self.learning_rate


@SCHEDULERS.register("PolynomialDecay")
class PolynomialDecay(Schedule):
    """``(lr - end_lr) (1 - t / T)^power + end_lr``, T being ``decay_steps`` (the "poly" policy of DeepLab).

    Chen et al., 2017, https://arxiv.org/abs/1606.00915, section 4.1.

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


@SCHEDULERS.register("LambdaDecay")
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
        self.max_epoch = max_epoch
        self.power = power
        self.len_train_dataset = len_train_dataset
        super().__init__(optimizer, learning_rate, warmup_iters, warmup_start_lr)

    def value(self, step: int) -> float:
        """The formula above."""
        epoch = min(math.ceil(step / self.len_train_dataset), self.max_epoch)
        return self.learning_rate * (1 - epoch / self.max_epoch) ** self.power
