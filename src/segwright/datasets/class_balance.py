"""How often each class occurs in a data set, and the factors by which a loss can make up for it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from segwright.console import track
from segwright.datasets.base import SegmentationDataset
from segwright.errors import ConfigError, DataError


@dataclass(frozen=True)
class ClassBalance:
    """Pixels of each class in the label maps of a data set; those with ``ignore_index`` count nowhere.

    Attributes:
        pixels: (num_classes,) int64, pixels of each class.
        surroundings: (num_classes,) int64, pixels of any class in the label maps that hold this one.
    """

    pixels: np.ndarray
    surroundings: np.ndarray

    @property
    def absent(self) -> list[int]:
        """Classes without a pixel."""
        return [int(value) for value in np.flatnonzero(self.pixels == 0)]

    def logarithmic_weights(self) -> list[float]:
        """``1 / ln(1.02 + p)`` for a class with the share p of all pixels, from 1.42 for p = 1 to 50.5 for p near 0.

        Paszke et al., 2016, https://arxiv.org/abs/1606.02147. An absent class has 1.
        """
        return self._of_present(1 / np.log(1.02 + self.pixels / self.pixels.sum()))

    def median_weights(self) -> list[float]:
        """``median(f) / f`` for a class with the share f of the pixels in the label maps that hold it.

        Median frequency balancing (Eigen & Fergus, 2015, https://arxiv.org/abs/1411.4734): classes rarer
        than the median one have more than 1. An absent class has 1.
        """
        present = self.pixels > 0
        frequency = self.pixels / np.maximum(1, self.surroundings)
        return self._of_present(np.median(frequency[present]) / np.where(present, frequency, 1))

    def _of_present(self, weights: np.ndarray) -> list[float]:
        """The weights to four digits, which can be read and pasted; 1 where the class is absent."""
        return [float(f"{weight:.4g}") if count else 1.0 for weight, count in zip(weights, self.pixels, strict=True)]


def count_classes(dataset: SegmentationDataset) -> ClassBalance:
    """Count the pixels of each class over all label maps of a data set, in threads; pictures are not read.

    Raises:
        ConfigError: a pixel may have several labels.
        DataError: a label map is missing, damaged or holds impossible ids, or none has a pixel that counts.
    """
    if dataset.multilabel:
        raise ConfigError(
            "weights of classes cannot be counted where a pixel may have several labels: give them as numbers"
        )

    def count(index: int) -> np.ndarray:
        label = dataset.load_label(index)
        return np.bincount(label[label != dataset.ignore_index], minlength=dataset.num_classes)

    with ThreadPoolExecutor() as threads:
        counts = threads.map(count, range(len(dataset)))
        balance = _sum(list(track(counts, "counting classes", total=len(dataset))))
    if not balance.pixels.any():
        raise DataError(
            f"the {len(dataset)} label maps hold nothing but {dataset.ignore_index}, which is ignore_index: "
            "there are no classes to count"
        )
    return balance


def _sum(counts: Sequence[np.ndarray]) -> ClassBalance:
    """Counts of each label map, (num_classes,) each -> those of all."""
    table = np.stack(counts).astype(np.int64)
    return ClassBalance(table.sum(axis=0), ((table > 0) * table.sum(axis=1, keepdims=True)).sum(axis=0))
