"""Counting each picture of a data set by itself, on the device."""

from collections.abc import Sequence

import torch

from segwright.engine.tally import Counted
from segwright.metrics import PerImage
from segwright.types import Size


class PerImageTally:
    """A row of counts for each picture, those of other processes 0, so that the rows of all add up to the whole.

    Args:
        num_images: N, of the whole data set.
        num_classes: C.
        device: where counts are.
        has_pairs: pairs of classes that are confused are counted, too.
    """

    def __init__(self, num_images: int, num_classes: int, device: torch.device, *, has_pairs: bool) -> None:
        self.has_pairs = has_pairs
        # Height and width; label, prediction and pixels of the pair most confused; three areas of each class.
        self.counts = torch.zeros((num_images, 5 + 3 * num_classes), dtype=torch.int64, device=device)

    def add(self, numbers: Sequence[int], counted: Counted, size: Size) -> None:
        """Keep what was counted of pictures of one size; ``numbers`` are their places in the data set."""
        for place, number in enumerate(numbers):
            row = self.counts[number]
            row[0], row[1] = size
            if counted.confused is not None:
                row[2:5] = counted.confused[place]
            row[5:] = counted.areas[place].flatten()

    def total(self) -> PerImage:
        """The counts so far; waits for the device."""
        counts = self.counts.cpu().numpy()
        areas = counts[:, 5:].reshape(len(counts), 3, -1)
        return PerImage(areas, counts[:, :2], counts[:, 2:5] if self.has_pairs else None)
