"""What is compared with PaddleSeg, and how a comparison is judged."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwright.build import components  # noqa: F401 - fills the registries

SAME = "same"


@dataclass(frozen=True)
class Difference:
    """The largest difference of one kind of number, and what is let pass.

    ``on_purpose`` is why this number may differ by more: PaddleSeg is at fault there.
    """

    kind: str
    value: float
    tolerance: float
    on_purpose: str = ""

    @property
    def ok(self) -> bool:
        return self.value <= self.tolerance

    @property
    def strain(self) -> tuple[bool, float]:
        """Orders differences by how near they come to their limits."""
        return not self.ok, self.value / self.tolerance if self.tolerance else self.value


@dataclass(frozen=True)
class Comparison:
    """One of PaddleSeg's recordings, not compared yet.

    Attributes:
        name: of the recording.
        measure: computes our numbers, and how far they are from the recorded ones.
        left_out: why the recording, or what ``measure`` does not compare of it, is not compared.
        option: what ours is told in order to compute as PaddleSeg, if anything.
    """

    name: str
    measure: Callable[[], list[Difference]] = list
    left_out: str = ""
    option: str = ""

    def __str__(self) -> str:
        return self.name

    def outcome(self) -> "Outcome":
        """Compare."""
        return Outcome(self.name, tuple(self.measure()), self.left_out, self.option)


@dataclass(frozen=True)
class Outcome:
    """A comparison that was made."""

    name: str
    differences: tuple[Difference, ...]
    left_out: str = ""
    option: str = ""

    @property
    def worst(self) -> Difference | None:
        """The number that comes nearest to its limit, or is farthest beyond."""
        return max(self.differences, key=lambda difference: difference.strain, default=None)

    @property
    def reasons(self) -> list[str]:
        """Why numbers differ on purpose, for those that do."""
        return sorted({each.on_purpose for each in self.differences if not each.ok and each.on_purpose})

    @property
    def failed(self) -> bool:
        """Whether a number differs that should not."""
        return any(not each.ok and not each.on_purpose for each in self.differences)

    @property
    def agrees(self) -> bool:
        """Whether every number of the recording is ours too."""
        return not (self.failed or self.left_out or self.reasons)

    @property
    def verdict(self) -> str:
        if self.failed:
            return "DIFFERS"
        if self.left_out:
            return f"{'compared in part' if self.differences else 'not compared'}: {self.left_out}"
        if self.reasons:
            return f"differs on purpose: {'; '.join(self.reasons)}"
        return f"{SAME} with `{self.option}`" if self.option else SAME


def absolute(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference; infinite between arrays of different shapes."""
    if found.shape != wanted.shape:
        return math.inf
    return float(np.abs(np.subtract(found, wanted, dtype=np.float64)).max(initial=0))


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, as a share of the largest number."""
    return absolute(found, wanted) / max(float(np.abs(wanted).max(initial=0)), 1e-12)


def missing_types(block: Any, *registries: Mapping[str, Any]) -> str:
    """Which types that a block names, however deep, none of the registries has; "" if there are none."""
    names = dict.fromkeys(name for name in _types(block) if not any(name in registry for registry in registries))
    return f"there is no {' and no '.join(names)} yet" if names else ""


def _types(block: Any) -> Iterator[str]:
    if isinstance(block, dict):
        if isinstance(block.get("type"), str):
            yield block["type"]
        block = list(block.values())
    if isinstance(block, list):
        for entry in block:
            yield from _types(entry)
