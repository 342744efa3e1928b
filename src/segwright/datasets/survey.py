"""A look at label maps before training."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from segwright.errors import DataError

if TYPE_CHECKING:
    from segwright.datasets.base import SegmentationDataset

SHOWN = 10  # names in a message

logger = logging.getLogger("segwright.datasets")


class LabelSurvey(NamedTuple):
    """Which ids occur in label maps.

    Attributes:
        num_files: label maps looked at.
        files_with: for each id that occurs, ignored pixels included, the number of files that hold it. Where a pixel
            may have several labels: for each class that some pixel has.
        absent: classes that no file holds.
    """

    num_files: int
    files_with: dict[int, int]
    absent: tuple[int, ...]


def survey_labels(dataset: "SegmentationDataset", limit: int) -> LabelSurvey:
    """Look at ``limit`` label maps, spread evenly over a data set, and warn about classes that never occur.

    Raises:
        DataError: as ``SegmentationDataset.load_label``; or nothing but background and ignored pixels occurs.
    """
    labelled = [index for index, pair in enumerate(dataset.pairs) if pair.label is not None]
    chosen = [labelled[place] for place in _spread(len(labelled), limit)]
    files_with = Counter(value for index in chosen for value in _occurring(dataset, index))
    ignored = dataset.ignore_index
    background = {ignored} if dataset.multilabel else {ignored, 0}
    if files_with[ignored] and set(files_with) <= background:
        if len(chosen) < len(labelled):  # be sure before refusing
            return survey_labels(dataset, len(labelled))
        raise DataError(
            f"the {len(chosen)} label maps hold nothing but {', '.join(map(str, sorted(files_with)))}, first "
            f"{dataset.pairs[chosen[0]].label}: {ignored} is ignore_index, so there is nothing to learn; "
            f"if {ignored} marks the object, save it as 1 (segwright data remap IN OUT --ids {ignored}:1)"
        )
    classes = range(len(dataset.transforms.auxiliary), dataset.num_classes) if chosen else ()
    absent = tuple(value for value in classes if not files_with[value])
    if absent:
        names = [str(value) if dataset.class_names is None else dataset.class_names[value] for value in absent]
        looked = f"{len(chosen)} label maps looked at, of {len(labelled)} for mode {dataset.mode},"
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        logger.warning("none of the %s holds these classes: %s%s", looked, ", ".join(names[:SHOWN]), more)
    return LabelSurvey(len(chosen), dict(sorted(files_with.items())), absent)


def _occurring(dataset: "SegmentationDataset", index: int) -> list[int]:
    """Ids of a label map; of several maps those of the classes that some pixel has, and of what is ignored."""
    label = dataset.load_label(index)
    if not dataset.multilabel:
        return np.unique(label).tolist()
    classes = np.flatnonzero((label == 1).any(axis=(0, 1))) + len(dataset.transforms.auxiliary)
    return [*classes.tolist(), *([dataset.ignore_index] if (label == dataset.ignore_index).any() else [])]


def _spread(count: int, limit: int) -> Iterator[int]:
    """At most ``limit`` of the numbers below ``count``, evenly spaced."""
    chosen = min(count, limit)
    return (place * count // chosen for place in range(chosen))
