"""Several losses on one output."""

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.registry import LOSSES


@LOSSES.register
class MixedLoss(nn.Module):
    """``sum_i coef[i] * losses[i](logits, label)``.

    Args:
        losses: the terms; in a configuration a list of blocks such as ``{type: CrossEntropyLoss}``.
        coef: their factors.

    Raises:
        ConfigError: an entry is no loss, or the numbers of losses and factors differ.
    """

    target = "label"

    def __init__(self, losses: list[nn.Module], coef: list[float]) -> None:
        super().__init__()
        strangers = [term for term in losses if not isinstance(term, nn.Module)]
        if strangers:
            raise ConfigError(f"losses: want a list of losses, but one entry is {strangers[0]!r}")
        if not losses or len(losses) != len(coef):
            raise ConfigError(
                f"losses has {len(losses)} entries, but coef has {len(coef)}; give a factor for each loss"
            )
        self.losses = nn.ModuleList(losses)
        self.coef = coef

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar."""
        terms = [factor * term(logits, label) for term, factor in zip(self.losses, self.coef, strict=True)]
        return torch.stack(terms).sum()
