"""How far a model is as often right as it is sure: expected calibration error and the diagram behind it.

Guo et al., 2017, https://arxiv.org/abs/1706.04599: pixels are put into bins by their confidence, the probability of the
predicted class. With the bin B_m holding a share w_m of all pixels, ECE = sum of w_m |accuracy(B_m) - confidence(B_m)|.
"""

from typing import NamedTuple

import numpy as np

from segwright.errors import ConfigError

BINS = 15  # as in the paper
LEVELS = BINS * 2048  # of confidence that are told apart: a mean confidence is off by less than 1 / LEVELS


class CalibrationBin(NamedTuple):
    """Pixels whose confidence is above ``low`` and at most ``high``.

    Attributes:
        low: 0..1.
        high: 0..1.
        pixels: how many there are.
        confidence: their mean, None without pixels.
        accuracy: the share of them that is predicted rightly, None without pixels.
    """

    low: float
    high: float
    pixels: int
    confidence: float | None
    accuracy: float | None


class CalibrationCounts:
    """Pixels predicted wrongly and rightly at each level of confidence; counts of several processes add up.

    Args:
        counts: int64 (2, LEVELS), wrong and right; level i holds confidences above i / LEVELS, up to (i + 1) / LEVELS.
    """

    def __init__(self, counts: np.ndarray) -> None:
        self.counts = counts

    def add(self, other: "CalibrationCounts") -> None:
        """Take over the counts of another one, for example another process's."""
        self.counts += other.counts

    def bins(self, count: int = BINS) -> list[CalibrationBin]:
        """Equally wide bins from 0 to 1.

        Raises:
            ConfigError: the levels cannot be divided into ``count`` bins.
        """
        if count < 1 or LEVELS % count:
            raise ConfigError(f"{LEVELS} levels of confidence cannot be divided into {count} bins; take {BINS}")
        wrong, right = self.counts.reshape(2, count, -1).sum(axis=2).tolist()
        middles = (np.arange(LEVELS) + 0.5) / LEVELS
        sums = (self.counts.sum(axis=0) * middles).reshape(count, -1).sum(axis=1).tolist()
        bins = []
        for index in range(count):
            pixels = wrong[index] + right[index]
            means = (sums[index] / pixels, right[index] / pixels) if pixels else (None, None)
            bins.append(CalibrationBin(index / count, (index + 1) / count, pixels, *means))
        return bins

    def expected_error(self, count: int = BINS) -> float | None:
        """The expected calibration error, 0..1; None without pixels."""
        total = int(self.counts.sum())
        if not total:
            return None
        gaps = ((found.pixels, found.accuracy, found.confidence) for found in self.bins(count))
        return (
            sum(pixels * abs(right - sure) for pixels, right, sure in gaps if right is not None and sure is not None)
            / total
        )
