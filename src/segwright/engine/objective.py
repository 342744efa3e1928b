"""The number that training makes smaller: one loss for each output of the model, weighted and added."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segwright.datasets import SegmentationDataset
from segwright.errors import ConfigError
from segwright.losses.inputs import check_multilabel, entries, outputs

ALWAYS = ("image", "label")  # entries of every batch


class Objective(nn.Module):
    """``sum_i coef[i] * types[i](outputs[i], label)``.

    Args:
        types: losses; a single one serves every output.
        coef: their factors.

    What a loss is given instead of that, it says itself: see ``segwright.losses.inputs``.

    Raises:
        ConfigError: the numbers of losses and factors differ, or a loss compares more outputs than there are.
    """

    def __init__(self, types: Sequence[nn.Module], coef: Sequence[float]) -> None:
        super().__init__()
        types = list(types) * len(coef) if len(types) == 1 else list(types)
        if len(types) != len(coef):
            raise ConfigError(f"losses: {len(types)} types but {len(coef)} coef; give one of each for every output")
        for number, loss in enumerate(types):
            if max(outputs(loss, number)) >= len(types):
                raise ConfigError(
                    f"losses: {type(loss).__name__} compares outputs {' and '.join(map(str, outputs(loss, number)))} "
                    f"of the model, counted from 0, but there are losses for {len(types)} only"
                )
        self.types = nn.ModuleList(types)
        self.coef = [float(factor) for factor in coef]

    @classmethod
    def of(cls, losses: Any) -> "Objective":
        """From ``{"types": [...], "coef": [...]}``."""
        if isinstance(losses, Mapping) and set(losses) == {"types", "coef"}:
            return cls(losses["types"], losses["coef"])
        raise ConfigError(f"losses: want {{'types': [losses], 'coef': [factors]}}, got {losses!r}")

    def check(self, model: nn.Module, dataset: SegmentationDataset | None = None) -> None:
        """Fail if this is known to fit neither the model's outputs nor the batches of a data set.

        Raises:
            ConfigError: the model trains another number of outputs than there are losses, or the data set does not
                make an entry of the batch that a loss takes.
        """
        names = getattr(model, "output_names", None)
        if names is not None and len(names) != len(self.coef):
            raise ConfigError(
                f"losses: {len(self.coef)} of them, but {type(model).__name__} trains {len(names)} outputs: "
                f"{', '.join(names)}; give one for each, or a single one with {len(names)} coef"
            )
        if dataset is not None:
            if dataset.multilabel:
                check_multilabel(self.types)
            self._check_entries((*ALWAYS, "edge") if dataset.edge else ALWAYS)

    def forward(self, results: Sequence[Any], batch: Mapping[str, Tensor]) -> list[Tensor]:
        """Weighted loss of every output in ``results``, scalars in that order; training minimises their sum."""
        if len(results) != len(self.coef):
            raise ConfigError(f"losses: {len(self.coef)} of them, but the model trains {len(results)} outputs")
        self._check_entries(batch)
        parts = []
        for number, (loss, factor) in enumerate(zip(self.types, self.coef, strict=True)):
            compared = [results[index] for index in outputs(loss, number)]
            parts.append(factor * loss(*compared, *(batch[name] for name in entries(loss))))
        return parts

    def _check_entries(self, available: Collection[str]) -> None:
        for loss in self.types:
            for name in entries(loss):
                if name not in available:
                    hint = "; build the data set with edge=True" if name == "edge" else ""
                    raise ConfigError(f"losses: {type(loss).__name__} takes {name}, which no batch holds{hint}")
