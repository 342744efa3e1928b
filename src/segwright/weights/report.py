"""What became of each variable when weights were loaded."""

from dataclasses import dataclass
from typing import NamedTuple

SHOWN = 5  # names per kind in an error message; the table has all


class Mismatch(NamedTuple):
    """A variable that the file holds in another shape than the model wants."""

    name: str
    found: tuple[int, ...]
    wanted: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} ({_shape(self.found)} in the file, {_shape(self.wanted)} in the model)"


@dataclass(frozen=True)
class WeightsReport:
    """How a file of weights fits a model. Names are the model's, only ``unexpected`` are the file's.

    Attributes:
        model: the model's class.
        source: the file.
        matched: variables that the file has in the right shape.
        missing: variables of the model that the file lacks.
        unexpected: entries of the file that the model has no place for.
        mismatched: variables of another shape.
    """

    model: str
    source: str
    matched: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether model and file agree in every variable."""
        return not (self.missing or self.unexpected or self.mismatched)

    def summary(self) -> str:
        """``356/356 variables loaded into BiSeNetV2``."""
        num_wanted = len(self.matched) + len(self.missing) + len(self.mismatched)
        return f"{len(self.matched)}/{num_wanted} variables loaded into {self.model}"

    def differences(self) -> str:
        """The first few names of each kind with their counts, for a message of one paragraph."""
        kinds = (
            ("missing in the file", self.missing),
            ("unknown to the model", self.unexpected),
            ("of another shape", tuple(str(mismatch) for mismatch in self.mismatched)),
        )
        return "; ".join(
            f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
            for kind, names in kinds
            if names
        )

    def table(self) -> str:
        """Every variable that differs, one a line."""
        rows = [
            *(("missing", name, "") for name in self.missing),
            *(("unexpected", name, "") for name in self.unexpected),
            *(
                ("mismatched", name, f"{_shape(found)} in the file, {_shape(wanted)} in the model")
                for name, found, wanted in self.mismatched
            ),
        ]
        width = max((len(name) for _, name, _ in rows), default=0)
        return "\n".join(
            [self.summary(), *(f"{kind:<11} {name:<{width}}  {shapes}".rstrip() for kind, name, shapes in rows)]
        )

    def hint(self) -> str:
        """The likely reason of the mismatches, or an empty string."""
        outputs = {(found[0], wanted[0]) for _, found, wanted in self.mismatched if found and wanted}
        same_inputs = all(found[1:] == wanted[1:] for _, found, wanted in self.mismatched)
        if len(outputs) != 1 or not same_inputs:
            return ""
        ((found, wanted),) = outputs
        return f"the file was probably trained with num_classes: {found}, while the model has {wanted}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
