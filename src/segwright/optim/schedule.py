"""What all schedules share: a closed form of the step, linear warm-up, and the step as the state to resume from."""

from abc import abstractmethod
from typing import Any, ClassVar

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from segwright.errors import ConfigError
from segwright.registry import SCHEDULERS


class Schedule(LRScheduler):
    """A schedule in closed form, with linear warm-up; its state is the number of steps taken.

    The rate of an iteration is set before it, and ``step`` is called after it, so that the first iteration has the
    rate of step 0.

    Args:
        optimizer: its groups may hold ``lr_mult``, a factor on the rate.
        learning_rate: rate at the start of the schedule proper, which is the end of the warm-up.
        warmup_iters: steps during which the rate grows linearly; the schedule proper starts after them.
        warmup_start_lr: rate of the first of these steps.

    Raises:
        ConfigError: one of these is negative.
    """

    rate_arguments: ClassVar[tuple[str, ...]] = ("learning_rate",)
    """Arguments that another batch size changes in proportion; lowest and last rates stay."""

    def __init__(
        self, optimizer: Optimizer, learning_rate: float, warmup_iters: int = 0, warmup_start_lr: float = 0.0
    ) -> None:
        if min(learning_rate, warmup_iters, warmup_start_lr) < 0:
            raise ConfigError(
                f"want no negative values, got learning_rate {learning_rate}, warmup_iters {warmup_iters}, "
                f"warmup_start_lr {warmup_start_lr}"
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

    def observe(self, loss: float) -> None:
        """Learn the loss of an iteration, before ``step``; of no interest to most schedules."""

    def get_lr(self) -> list[float | Tensor]:
        """Rates of the parameter groups at the present step; called by ``step``."""
        rate = self.rate(self.last_epoch)
        return [rate * group.get("lr_mult", 1.0) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The step alone: the rest is the configuration's."""
        return {"step": self.last_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a step; the next ``step()`` sets the rates of the one after it."""
        self.last_epoch = state["step"]
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate


def base_rate(optimizer: Optimizer) -> float:
    """The rate before the factors of parameter groups: that of a group without one."""
    groups = optimizer.param_groups
    plain = next((group for group in groups if group.get("lr_mult", 1.0) == 1.0), None)
    if plain is not None:
        return plain["lr"]
    return next((group["lr"] / group["lr_mult"] for group in groups if group["lr_mult"]), 0.0)


def check_factor(**factors: float) -> None:
    """Fail unless factors of decay make a rate smaller, and keep it positive."""
    for name, factor in factors.items():
        if not 0 < factor < 1:
            raise ConfigError(f"{name} must lie between 0 and 1, so that the rate decays; got {factor}")


def check_positive(**numbers: float) -> None:
    """Fail unless all of these are above zero."""
    for name, number in numbers.items():
        if number <= 0:
            raise ConfigError(f"{name} must be above zero, got {number}")


@SCHEDULERS.register
class ConstantLR(Schedule):
    """The same rate throughout, after the warm-up."""

    def value(self, step: int) -> float:  # noqa: ARG002
        """``learning_rate``."""
        return self.learning_rate
