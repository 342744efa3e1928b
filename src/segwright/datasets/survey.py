"""A look at label maps before training."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    chosen = [labelled[place] for place in spread(len(labelled), limit)]
    files_with = Counter(value for index in chosen for value in _occurring(dataset, index))
    if _is_bare(dataset, files_with):
        if len(chosen) < len(labelled):  # be sure before refusing
            return survey_labels(dataset, len(labelled))
        raise DataError(nothing_to_learn(dataset, files_with, len(chosen)))
    absent = absent_classes(dataset, files_with) if chosen else ()
    if absent:
        logger.warning("%s", absence(dataset, absent, len(chosen)))
    return LabelSurvey(len(chosen), dict(sorted(files_with.items())), absent)


def nothing_to_learn(dataset: "SegmentationDataset", files_with: Mapping[int, int], num_files: int) -> str:
    """A sentence if ``num_files`` label maps hold nothing but background and ignored pixels; empty if they do not.

    Args:
        dataset: their data set.
        files_with: for each id that occurs, how many of them hold it.
        num_files: how many were looked at.
    """
    if not _is_bare(dataset, files_with):
        return ""
    ignored = dataset.ignore_index
    return (
        f"the {num_files} label maps hold nothing but {', '.join(map(str, sorted(files_with)))}, first "
        f"{next(pair.label for pair in dataset.pairs if pair.label)}: {ignored} is ignore_index, so there is nothing "
        f"to learn; if {ignored} marks the object, save it as 1 (segwright data remap IN OUT --ids {ignored}:1)"
    )


def absent_classes(dataset: "SegmentationDataset", files_with: Mapping[int, int]) -> tuple[int, ...]:
    """Classes that no label map holds."""
    return tuple(
        value for value in range(len(dataset.transforms.auxiliary), dataset.num_classes) if not files_with.get(value)
    )


def absence(dataset: "SegmentationDataset", absent: Sequence[int], num_files: int) -> str:
    """A sentence on classes that none of ``num_files`` label maps holds."""
    names = [str(value) if dataset.class_names is None else dataset.class_names[value] for value in absent]
    labelled = sum(pair.label is not None for pair in dataset.pairs)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"none of the {num_files} label maps looked at, of {labelled} for mode {dataset.mode}, holds these classes: "
        f"{', '.join(names[:SHOWN])}{more}"
    )


def _is_bare(dataset: "SegmentationDataset", files_with: Mapping[int, int]) -> bool:
    """Whether there is something ignored, and nothing else but background."""
    background = {dataset.ignore_index} if dataset.multilabel else {dataset.ignore_index, 0}
    return bool(files_with.get(dataset.ignore_index)) and set(files_with) <= background


def _occurring(dataset: "SegmentationDataset", index: int) -> list[int]:
    """Ids of a label map; of several maps those of the classes that some pixel has, and of what is ignored."""
    label = dataset.load_label(index)
    if not dataset.multilabel:
        return np.unique(label).tolist()
    classes = np.flatnonzero((label == 1).any(axis=(0, 1))) + len(dataset.transforms.auxiliary)
    return [*classes.tolist(), *([dataset.ignore_index] if (label == dataset.ignore_index).any() else [])]


def spread(count: int, limit: int) -> Iterator[int]:
    """At most ``limit`` of the numbers below ``count``, evenly spaced."""
    chosen = min(count, limit)
    return (place * count // chosen for place in range(chosen))
