"""Schedules that rise before they fall; they are their own warm-up."""

from itertools import pairwise
from typing import Literal

from torch.optim import Optimizer

from segwright.errors import ConfigError
from segwright.optim.cosine import half_wave
from segwright.optim.schedule import Schedule, check_positive
from segwright.registry import SCHEDULERS


@SCHEDULERS.register
class OneCycleLR(Schedule):
    """Up to the highest rate and down to the last one, once.

    Smith and Topin, 2017, https://arxiv.org/abs/1708.07120.

    Args:
        optimizer: what the rate is for.
        max_learning_rate: highest rate.
        total_steps: steps of the whole; the rate stays at the last one afterwards.
        divide_factor: the first rate is the highest divided by this.
        end_learning_rate: last rate.
        phase_pct: share of the steps that go up.
        anneal_strategy: ``cos`` or ``linear``.
        three_phase: go down to the first rate in as many steps as up, and then to the last one.

    Raises:
        ConfigError: the way up is shorter than a step, or takes half of the steps and more with ``three_phase``.
    """

    rate_arguments = ("max_learning_rate",)

    def __init__(
        self,
        optimizer: Optimizer,
        max_learning_rate: float,
        total_steps: int,
        divide_factor: float = 25.0,
        end_learning_rate: float = 0.0001,
        phase_pct: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        three_phase: bool = False,
    ) -> None:
        check_positive(total_steps=total_steps, divide_factor=divide_factor)
        peak = phase_pct * total_steps - 1
        if not 0 < peak <= total_steps - 1 or (three_phase and phase_pct >= 0.5):
            raise ConfigError(
                f"phase_pct {phase_pct} of total_steps {total_steps} leaves no room for the phases of the cycle; want "
                f"more than one step, and less than {'half' if three_phase else 'all'} of them"
            )
        first = max_learning_rate / divide_factor
        self.corners = [(0.0, first), (peak, max_learning_rate), (total_steps - 1.0, end_learning_rate)]
        if three_phase:
            self.corners.insert(2, (2 * peak, first))
        self.linear = anneal_strategy == "linear"
        super().__init__(optimizer, first)

    def value(self, step: int) -> float:
        """The rate between the two corners around ``step``."""
        for (start, before), (end, after) in pairwise(self.corners):
            if step <= end:
                progress = (step - start) / (end - start)
                return before + (after - before) * progress if self.linear else half_wave(before, after, progress)
        return self.corners[-1][1]


@SCHEDULERS.register
class CyclicLR(Schedule):
    """Up and down on straight lines, again and again (Smith, 2015, https://arxiv.org/abs/1506.01186).

    Args:
        optimizer: what the rate is for.
        base_learning_rate: lowest rate.
        max_learning_rate: highest rate.
        step_size_up: steps of the way up.
        step_size_down: steps of the way down; default: as many as up.
        mode: the height stays (``triangular``), is halved from cycle to cycle (``triangular2``), or is multiplied by
            ``exp_gamma`` from step to step (``exp_range``).
        exp_gamma: for ``exp_range``.
    """

    rate_arguments = ("base_learning_rate", "max_learning_rate")

    def __init__(
        self,
        optimizer: Optimizer,
        base_learning_rate: float,
        max_learning_rate: float,
        step_size_up: int,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        exp_gamma: float = 1.0,
    ) -> None:
        check_positive(step_size_up=step_size_up, exp_gamma=exp_gamma)
        if step_size_down is not None:
            check_positive(step_size_down=step_size_down)
        if exp_gamma != 1 and mode != "exp_range":
            raise ConfigError(f"exp_gamma {exp_gamma} has no effect in mode '{mode}'; use mode 'exp_range'")
        self.height = max_learning_rate - base_learning_rate
        self.up = step_size_up
        self.down = step_size_down or step_size_up
        self.mode = mode
        self.exp_gamma = exp_gamma
        super().__init__(optimizer, base_learning_rate)

    def value(self, step: int) -> float:
        """The rate on the present line."""
        cycle, position = divmod(step, self.up + self.down)
        share = position / self.up if position <= self.up else (self.up + self.down - position) / self.down
        scale = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": self.exp_gamma**step}[self.mode]
        return self.learning_rate + self.height * share * scale
