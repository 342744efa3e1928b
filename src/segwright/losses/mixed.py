"""Several losses on one output."""

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.inputs import entries, outputs
from segwright.registry import LOSSES


@LOSSES.register
class MixedLoss(nn.Module):
    """``sum_i coef[i] * losses[i](logits, label)``.

    Args:
        losses: the terms; in a configuration a list of blocks such as ``{type: CrossEntropyLoss}``.
        coef: their factors.

    Attributes:
        takes: entries of the batch that the terms take, in order of first need; a term gets its own.

    Raises:
        ConfigError: an entry is no loss, or compares several outputs of the model, or the numbers of losses and
            factors differ.
    """

    def __init__(self, losses: list[nn.Module], coef: list[float]) -> None:
        super().__init__()
        strangers = [term for term in losses if not isinstance(term, nn.Module)]
        if strangers:
            raise ConfigError(f"losses: want a list of losses, but one entry is {strangers[0]!r}")
        if not losses or len(losses) != len(coef):
            raise ConfigError(
                f"losses has {len(losses)} entries, but coef has {len(coef)}; give a factor for each loss"
            )
        for term in losses:
            if outputs(term, own=0) != (0,):
                raise ConfigError(
                    f"losses: {type(term).__name__} compares several outputs of the model, but a MixedLoss is given "
                    "one; list it as a loss of its own"
                )
        self.losses = nn.ModuleList(losses)
        self.coef = coef
        self.takes = tuple(dict.fromkeys(name for term in losses for name in entries(term)))

    def forward(self, logits: Tensor, *given: Tensor) -> Tensor:
        """(N, C, H, W) float logits, and the maps that ``takes`` names, in its order -> scalar."""
        batch = dict(zip(self.takes, given, strict=True))
        terms = [
            factor * term(logits, *(batch[name] for name in entries(term)))
            for term, factor in zip(self.losses, self.coef, strict=True)
        ]
        return torch.stack(terms).sum()
