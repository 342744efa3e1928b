"""The number that training makes smaller: one loss for each output of the model, weighted and added."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segwright.errors import ConfigError


class Objective(nn.Module):
    """``sum_i coef[i] * types[i](outputs[i], target)``.

    Args:
        types: losses; a single one serves every output.
        coef: their factors.

    Each loss names the entry of the batch it compares with in its attribute ``target``: ``label`` or ``edge``.

    Raises:
        ConfigError: the numbers of losses and factors differ.
    """

    def __init__(self, types: Sequence[nn.Module], coef: Sequence[float]) -> None:
        super().__init__()
        types = list(types) * len(coef) if len(types) == 1 else list(types)
        if len(types) != len(coef):
            raise ConfigError(f"losses: {len(types)} types but {len(coef)} coef; give one of each for every output")
        self.types = nn.ModuleList(types)
        self.coef = [float(factor) for factor in coef]

    @classmethod
    def of(cls, losses: Any) -> "Objective":
        """From ``{"types": [...], "coef": [...]}``."""
        if isinstance(losses, Mapping) and set(losses) == {"types", "coef"}:
            return cls(losses["types"], losses["coef"])
        raise ConfigError(f"losses: want {{'types': [losses], 'coef': [factors]}}, got {losses!r}")

    def check(self, model: nn.Module) -> None:
        """Fail if the model is known to train another number of outputs than there are losses."""
        names = getattr(model, "output_names", None)
        if names is not None and len(names) != len(self.coef):
            raise ConfigError(
                f"losses: {len(self.coef)} of them, but {type(model).__name__} trains {len(names)} outputs: "
                f"{', '.join(names)}; give one for each, or a single one with {len(names)} coef"
            )

    def forward(self, outputs: Sequence[Tensor], batch: Mapping[str, Tensor]) -> list[Tensor]:
        """Weighted loss of every output, scalars in the outputs' order; training minimises their sum."""
        if len(outputs) != len(self.coef):
            raise ConfigError(f"losses: {len(self.coef)} of them, but the model trains {len(outputs)} outputs")
        parts = []
        for loss, factor, logits in zip(self.types, self.coef, outputs, strict=True):
            target = getattr(loss, "target", "label")
            if target not in batch:
                raise ConfigError(
                    f"{type(loss).__name__} compares with the {target} map; build the data set with {target}=True"
                )
            parts.append(factor * loss(logits, batch[target]))
        return parts
