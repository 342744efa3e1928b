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

    @property
    def num_wanted(self) -> int:
        """How many variables the model has."""
        return len(self.matched) + len(self.missing) + len(self.mismatched)

    @property
    def share(self) -> float:
        """Part of the model's variables that was loaded, 0 to 1."""
        return len(self.matched) / self.num_wanted

    def summary(self) -> str:
        """``356/356 variables loaded into BiSeNetV2``."""
        return f"{len(self.matched)}/{self.num_wanted} variables loaded into {self.model}"

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

    def table(self, limit: int | None = None) -> str:
        """Every variable that differs, one a line; with ``limit`` no more than so many of each kind."""
        kinds = {
            "missing": [(name, "") for name in self.missing],
            "unexpected": [(name, "") for name in self.unexpected],
            "mismatched": [
                (name, f"{_shape(found)} in the file, {_shape(wanted)} in the model")
                for name, found, wanted in self.mismatched
            ],
        }
        width = max((len(name) for entries in kinds.values() for name, _ in entries[:limit]), default=0)
        lines = [self.summary()]
        for kind, entries in kinds.items():
            lines += [f"{kind:<11} {name:<{width}}  {shapes}".rstrip() for name, shapes in entries[:limit]]
            if limit is not None and len(entries) > limit:
                lines.append(f"{kind:<11} and {len(entries) - limit} more")
        return "\n".join(lines)

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
