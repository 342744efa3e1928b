"""Class ids that cannot be, found when a label map is read and before it does harm."""

from collections.abc import Mapping

import cv2
import numpy as np

from segwright.errors import DataError

MANY = 20  # distinct foreign values that no forgotten class explains
SHOWN = 10  # ids in a message


class LabelCheck:
    """Refuses label maps with ids that are neither a class nor ``ignore_index``.

    Args:
        num_classes: ids 0..num_classes-1 are classes.
        ignore_index: id of pixels that do not count.
        stored_ids: where files hold other numbers than the classes' own: what each of them means.
    """

    def __init__(self, num_classes: int, ignore_index: int, stored_ids: Mapping[int, int] | None = None) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.stored_ids = stored_ids
        self._foreign = np.array([not self._is_known(value) for value in range(256)], np.uint8)

    def __call__(self, label: np.ndarray, name: object) -> None:
        """Check an (H, W) uint8 or int32 label map as it was read from ``name``.

        Raises:
            DataError: with the ids found, the place of the first, and what probably happened.
        """
        if self.stored_ids is None and label.min() >= 0 and label.max() < self.num_classes:
            return  # most label maps, and far faster than a look at each pixel
        foreign: np.ndarray
        if self.stored_ids is None:
            foreign = ((label < 0) | (label >= self.num_classes)) & (label != self.ignore_index)
        elif label.dtype == np.uint8:
            foreign = cv2.LUT(label, self._foreign)
        else:
            foreign = ~np.isin(label, list(self.stored_ids))
        if foreign.any():
            raise DataError(self._explain(label, foreign, name))

    def _is_known(self, value: int) -> bool:
        if self.stored_ids is not None:
            return value in self.stored_ids
        return 0 <= value < self.num_classes or value == self.ignore_index

    def _explain(self, label: np.ndarray, foreign: np.ndarray, name: object) -> str:
        ids = [int(value) for value in np.unique(label)]
        bad = [value for value in ids if not self._is_known(value)]
        row, column = np.unravel_index(int(np.argmax(foreign.ravel() != 0)), label.shape)
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        return (
            f"{name} holds {', '.join(map(str, bad[:SHOWN]))}{more}, first at row {row}, column {column}, but "
            f"{self._expected()}; {self._likely_cause(ids, bad)}"
        )

    def _expected(self) -> str:
        if self.stored_ids is None:
            classes = f"0 to {self.num_classes - 1} (num_classes {self.num_classes})"
            return f"ids are {classes} or {self.ignore_index} (ignore_index)"
        return f"label maps of this data set hold {_ranges(self.stored_ids)}"

    def _likely_cause(self, ids: list[int], bad: list[int]) -> str:
        if self.stored_ids is not None:
            return "give the label maps as they were published: their ids are turned into classes when they are read"
        if len(ids) <= 2 and len(bad) == 1 and bad[0] > self.num_classes:
            return (
                f"it looks like a mask that shows one class as {bad[0]}: save that class as 1 and the background as 0 "
                f"(segwright data remap IN OUT --ids {bad[0]}:1)"
            )
        if bad == [255]:
            return "255 usually marks ignored pixels: set ignore_index to 255"
        if bad[0] < 0:
            return "ids below 0 are no classes: give those pixels the id of ignore_index"
        if len(bad) > MANY:
            return (
                "so many values come from a gray photo, a coloured mask turned gray, JPEG or smooth resizing: save ids"
            )
        if bad == [self.num_classes]:
            return f"ids start at 1 instead of 0, or num_classes should be {self.num_classes + 1}: background counts"
        return f"num_classes may be too small (at least {bad[-1] + 1} for these), or a coloured mask was turned gray"


def _ranges(values: Mapping[int, int]) -> str:
    """``0 to 10, 12 to 24 and 255``, for whole numbers in any order."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
