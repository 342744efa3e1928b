"""An exponential moving average of a model's weights, which often scores better than the weights themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from segwright.errors import CheckpointError

DECAY = 0.999  # PaddleSeg's


class EMA:
    """Average of a model's weights over the steps of training (Tarvainen & Valpola, 2017,
    https://arxiv.org/abs/1703.01780).

    After step t the average becomes ``d average + (1 - d) weights`` with ``d = min(decay, 1 - 1 / (t + 1))``: the
    plain mean of all weights since the start until t reaches ``decay / (1 - decay)``, so that random initial weights
    are soon forgotten. It covers everything in the model's state that is a real number, statistics of batch norms too.

    The average is float32, whatever the weights are: in half precision such small steps would be rounded away.

    Args:
        model: with the weights to start from, on the device where it is trained. Its tensors are held, so it must not
            be moved to another device or precision afterwards.
        decay: of the average, below 1; larger forgets more slowly.
    """

    def __init__(self, model: nn.Module, decay: float = DECAY) -> None:
        state = model.state_dict(keep_vars=True)
        self.current = {name: value.detach() for name, value in state.items() if value.is_floating_point()}
        self.average = {name: value.float().clone() for name, value in self.current.items()}
        self.decay = decay
        self.step = 0

    def restart(self) -> None:
        """Begin anew, with the weights as they are now."""
        self.step = 0
        _copy(self.current, self.average)

    def update(self) -> None:
        """Let the average follow the weights; to be called after every step of the optimiser."""
        self.step += 1
        follow = get_ema_multi_avg_fn(min(self.decay, 1 - 1 / (self.step + 1)))
        follow(list(self.average.values()), [value.float() for value in self.current.values()], self.step)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """The model has the averaged weights inside the block, to be evaluated and saved, and its own ones after it."""
        own = {name: value.clone() for name, value in self.current.items()}
        try:
            _copy(self.average, self.current)
            yield
        finally:
            _copy(own, self.current)

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs to go on exactly: the average, and the steps in it."""
        return {"step": self.step, "average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from an average.

        Raises:
            CheckpointError: it is of another model.
        """
        shapes, wanted = ({name: value.shape for name, value in a.items()} for a in (state["average"], self.average))
        if shapes != wanted:
            strange = ", ".join(sorted({name for name, _ in shapes.items() ^ wanted.items()})[:3])
            raise CheckpointError(
                f"the averaged weights in the checkpoint are those of another model; the first that differ: {strange}"
            )
        self.step = state["step"]
        _copy(state["average"], self.average)


@torch.no_grad()
def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    """Fill the tensors of ``target`` in place: optimisers, compiled graphs and other processes hold on to them."""
    for name, value in target.items():
        value.copy_(source[name])
