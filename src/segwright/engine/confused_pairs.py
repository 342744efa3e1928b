"""Places where one class is taken for another, kept while pictures go by."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from segwright.engine.packed_map import PackedMap
from segwright.types import Size

SHARE_OF_SIDE = 3  # a crop's side is this part of the picture's shorter one,
SMALLEST, LARGEST = 96, 384  # but no fewer and no more pixels than these
FEWEST = 1 / 400  # of a crop's pixels have to be confused for it to be an example
SECTIONS = 6  # of a data set, each with an example of its own, as neighbours often show the same scene


class Example(NamedTuple):
    """A crop with pixels of one class that are taken for another.

    Attributes:
        number: of the picture in the data set.
        top: first row of the crop in its picture.
        left: first column.
        confused: (h, w) bool, the pixels of the crop that are confused.
    """

    number: int
    top: int
    left: int
    confused: PackedMap


Rank = tuple[int, int]
"""Minus the number of confused pixels, and the number of the picture: the smaller, the better an example."""


class ConfusedPairs:
    """For each pair of true and predicted class the places where most pixels are confused, one a section of a data set.

    What is kept does not grow with the pictures, and does not depend on their order: places of several processes can be
    put together.

    Args:
        num_classes: C.
        ignore_index: label value that counts nowhere.
        num_pictures: in the data set.
    """

    def __init__(self, num_classes: int, ignore_index: int, num_pictures: int) -> None:
        self.num_classes, self.ignore_index, self.num_pictures = num_classes, ignore_index, num_pictures
        self._kept: dict[tuple[int, int], dict[int, tuple[Rank, Example]]] = {}  # by pair and section
        self._most = np.zeros((SECTIONS, num_classes, num_classes), np.int64)  # pixels of what is kept

    def add(self, number: int, pred: np.ndarray, label: np.ndarray, counts: np.ndarray) -> None:
        """Look at a picture.

        Args:
            number: of the picture in the data set.
            pred: (H, W) class ids.
            label: (H, W) ids.
            counts: (C + 1, C) pixels of each true class by predicted class, of this picture.
        """
        size = _crop_size(Size.of(pred))
        fewest = np.maximum(self._most[self._section(number)], np.ceil(FEWEST * size.height * size.width))
        wanted = counts[: self.num_classes] >= fewest  # no place has more pixels than the picture
        np.fill_diagonal(wanted, False)
        if 0 <= self.ignore_index < self.num_classes:
            wanted[self.ignore_index] = False
        for pair, pixels, row, column in self._densest(pred, label, wanted, size):
            if pixels < fewest[pair]:
                continue
            top = min(max(0, row - size.height // 2), pred.shape[0] - size.height)
            left = min(max(0, column - size.width // 2), pred.shape[1] - size.width)
            window = np.s_[top : top + size.height, left : left + size.width]
            confused = (label[window] == pair[0]) & (pred[window] == pair[1])
            self._offer(pair, (-pixels, number), Example(number, top, left, PackedMap.of(confused)))

    def merge(self, other: "ConfusedPairs") -> None:
        """Take over what another process has kept."""
        for pair, sections in other._kept.items():
            for rank, example in sections.values():
                self._offer(pair, rank, example)

    def examples(self, true: int, predicted: int, count: int) -> list[Example]:
        """Up to ``count`` places where a class is taken for another, most pixels first."""
        ranked = sorted(self._kept.get((true, predicted), {}).values(), key=lambda kept: kept[0])
        return [example for _, example in ranked[:count]]

    def _section(self, number: int) -> int:
        return number * SECTIONS // self.num_pictures

    def _offer(self, pair: tuple[int, int], rank: Rank, example: Example) -> None:
        section = self._section(example.number)
        sections = self._kept.setdefault(pair, {})
        if section not in sections or rank < sections[section][0]:
            sections[section] = (rank, example)
            self._most[section][pair] = -rank[0]

    def _densest(
        self, pred: np.ndarray, label: np.ndarray, wanted: np.ndarray, size: Size
    ) -> Iterator[tuple[tuple[int, int], int, int, int]]:
        """For each wanted pair in the picture: the pair, and pixels, middle row and middle column of its densest block.

        Blocks are half as high and wide as a crop.
        """
        if not wanted.any():
            return
        wrong = (pred != label) & (label >= 0) & (label < self.num_classes)
        places = np.flatnonzero(wrong)
        pairs = label.ravel()[places].astype(np.int64) * self.num_classes + pred.ravel()[places]
        of_wanted = wanted.ravel()[pairs]
        places, pairs = places[of_wanted], pairs[of_wanted]
        if not places.size:
            return
        height, width = max(1, size.height // 2), max(1, size.width // 2)
        across = -(-pred.shape[1] // width)
        num_blocks = across * -(-pred.shape[0] // height)
        rows, columns = np.divmod(places, pred.shape[1])
        blocks = rows // height * across + columns // width
        keys, pixels = np.unique(pairs * num_blocks + blocks, return_counts=True)
        best_first = np.lexsort((keys, -pixels, keys // num_blocks))
        _, first = np.unique(keys[best_first] // num_blocks, return_index=True)
        for index in best_first[first].tolist():
            pair, block = divmod(int(keys[index]), num_blocks)
            row, column = divmod(block, across)
            middle = row * height + height // 2, column * width + width // 2
            yield (pair // self.num_classes, pair % self.num_classes), int(pixels[index]), *middle


def _crop_size(picture: Size) -> Size:
    side = min(max(min(picture) // SHARE_OF_SIDE, SMALLEST), LARGEST)
    return Size(min(side, picture.height), min(side, picture.width))
