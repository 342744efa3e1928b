"""What can be seen of the data before training starts, while no time is lost yet."""

import logging
from collections.abc import Sequence

from segwright.datasets import SegmentationDataset, shared_images
from segwright.datasets.digest import KnowsContents, digest_data
from segwright.engine.loader import OnBad
from segwright.errors import DataError
from segwright.types import Size

log = logging.getLogger("segwright")

LOOKED_AT = 8  # pairs that are read as training or evaluation will read them


def check_data(train_set: SegmentationDataset, val_set: SegmentationDataset | None, *, on_bad: OnBad = "fail") -> str:
    """Look at label maps and pictures; what may be meant is a warning, what cannot be is an error.

    Args:
        train_set: in mode ``train``.
        val_set: what the run is scored on, if it is.
        on_bad: ``skip`` makes a warning of a training picture or label map that cannot be used.

    Returns:
        What ``overlap`` says, to be repeated beside every score.

    Raises:
        DataError: of the files looked at, one is damaged, a label map is not of its picture's size or holds impossible
            ids, or all hold nothing but background and ignored pixels.
    """
    try:
        _look_at(train_set)
    except DataError as error:
        if on_bad == "fail":
            raise
        log.warning("%s (training leaves it out; what comes after it was not looked at)", error)
    if val_set is None:
        return ""
    _look_at(val_set)
    caution = overlap(train_set, val_set)
    if caution:
        log.warning("%s", caution)
    return caution


def overlap(train_set: SegmentationDataset, val_set: SegmentationDataset) -> str:
    """A sentence about pictures that are both trained on and evaluated; empty if there are none."""
    shared = _shared_pictures(train_set, val_set)
    if not shared:
        return ""
    return (
        f"{len(shared)} of {len(val_set)} validation pictures are also trained on ({shared[0]} ...): "
        "scores on them say nothing about new pictures"
    )


def _shared_pictures(train_set: SegmentationDataset, val_set: SegmentationDataset) -> list[str]:
    """By the place on the disk or, where one is packed and its pictures have none, by content."""
    if not (isinstance(train_set, KnowsContents) or isinstance(val_set, KnowsContents)):
        return [str(path) for path in shared_images(train_set.pairs, val_set.pairs)]
    trained = {content.image_digest for content in digest_data(train_set).contents}
    return [content.image for content in digest_data(val_set).contents if content.image_digest in trained]


def _look_at(dataset: SegmentationDataset) -> None:
    dataset.label_survey()
    for caution in turned_sizes(dataset, _read_some(dataset)):
        log.warning("%s", caution)


def _read_some(dataset: SegmentationDataset) -> list[Size]:
    """Sizes of a few pictures, spread over the data set; reading them checks them, and their label maps."""
    step = -(-len(dataset) // LOOKED_AT)
    return [Size.of(dataset.load(index)[0]) for index in range(0, len(dataset), step)]


def turned_sizes(dataset: SegmentationDataset, pictures: Sequence[Size]) -> list[str]:
    """A sentence on each transform whose width and height seem to be swapped.

    Sizes are width before height in PaddleSeg's transforms and the other way round nearly everywhere else.

    Args:
        dataset: whose transforms are looked at.
        pictures: sizes of at least one of its pictures.
    """
    asked = {
        f"{type(transform).__name__}.{key}": getattr(transform, key)
        for transform in dataset.transforms.transforms
        for key in ("target_size", "crop_size")
        if hasattr(transform, key) and not getattr(transform, "keep_ratio", False)
    }
    return [
        f"{name} is [width, height] and asks for {size}, but pictures of mode {dataset.mode} are {pictures[0]} "
        "(width x height): are the two numbers swapped?"
        for name, size in asked.items()
        if all(_lies(picture) * _lies(size) < 0 for picture in pictures)
    ]


def _lies(size: Size) -> int:
    """1 for landscape, -1 for portrait, 0 for square and nearly square."""
    return 0 if max(size) < 1.1 * min(size) else 1 if size.width > size.height else -1
