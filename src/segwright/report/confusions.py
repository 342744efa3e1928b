"""Which classes are taken for which."""

from dataclasses import dataclass

import numpy as np

NOTABLE = 1e-3  # share of all mistakes below which a confusion is not worth showing, however rare its class


@dataclass(frozen=True)
class Confusion:
    """Pixels of one class that are taken for another.

    Attributes:
        true: id of the class that they are of.
        predicted: id of the class that they are taken for.
        pixels: how many.
        of_class: their share of the true class's pixels, 0..1.
        of_mistakes: their share of all confused pixels, 0..1.
    """

    true: int
    predicted: int
    pixels: int
    of_class: float
    of_mistakes: float


class Confusions:
    """What a confusion matrix says about mistakes.

    Args:
        counts: int64 (C + 1, C), as in ``ConfusionMatrix``.
        ignore_index: label value that is not judged.

    Attributes:
        judged: int64 (C, C): without labels that are no class, and 0 for a class that is ignored.
    """

    def __init__(self, counts: np.ndarray, ignore_index: int) -> None:
        self.judged = counts[:-1].copy()
        if 0 <= ignore_index < len(self.judged):
            self.judged[ignore_index] = 0
        self._mistakes = self.judged.copy()
        np.fill_diagonal(self._mistakes, 0)

    def largest(self, count: int) -> list[Confusion]:
        """The confusions with the most pixels, most first."""
        return [self._confusion(*cell) for cell in _largest(self._mistakes, count)]

    def costliest(self, count: int) -> list[Confusion]:
        """The confusions that cost a class most of its own pixels, the largest share first; tiny ones are left out."""
        totals = self.judged.sum(axis=1, keepdims=True)
        shares = np.divide(self._mistakes, totals, out=np.zeros(self.judged.shape), where=totals > 0)
        shares[self._mistakes < NOTABLE * self._mistakes.sum()] = 0
        return [self._confusion(*cell) for cell in _largest(shares, count)]

    def commonest_of(self, true: int) -> Confusion | None:
        """What a class is mostly taken for; None if it is always predicted rightly or never occurs."""
        predicted = int(self._mistakes[true].argmax())
        return self._confusion(true, predicted) if self._mistakes[true, predicted] else None

    def _confusion(self, true: int, predicted: int) -> Confusion:
        pixels = int(self._mistakes[true, predicted])
        of_class, of_mistakes = pixels / int(self.judged[true].sum()), pixels / int(self._mistakes.sum())
        return Confusion(true, predicted, pixels, of_class, of_mistakes)


def _largest(values: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Row and column of the largest values above 0, of equal ones the first."""
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    return [divmod(cell, len(values)) for cell in order.tolist() if values.flat[cell] > 0]
