"""Sizes of the pictures against each other and against what the transforms make of them."""

from collections.abc import Iterator

import numpy as np

from segwright.datasets import SegmentationDataset
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.doctor.registry import check
from segwright.doctor.words import count, images, shown
from segwright.engine.precheck import turned_sizes
from segwright.errors import SegwrightError
from segwright.transforms import RandomPaddingCrop
from segwright.types import Size

PADDED = 0.5  # share of a crop beyond which it is mostly padding
ODD_AREA = 12  # times more or fewer pixels than the median picture
ODD_ASPECT = 2  # times more or less elongated, lying or upright
FEW = 0.1  # share of the pictures up to which something is an outlier


@check(brief=False)
def swapped(case: Case) -> Iterator[Finding]:
    """Width and height in the wrong order."""
    for section, dataset in case.datasets.items():
        sizes = [seen.size for seen in case.seen[section] if seen.size]
        for caution in turned_sizes(dataset, sizes) if sizes else ():
            yield Finding(
                kind="size-swapped",
                level=Level.WARNING,
                title=f"Width and height may be swapped in {section}",
                measured=f"{case.where(section, 'transforms')}: {caution}",
                suggestion="Sizes in a configuration are [width, height].",
            )


@check(brief=True)
def padded(case: Case) -> Iterator[Finding]:
    """Crops that are mostly padding."""
    dataset = case.datasets.get(TRAIN)
    crop = _crop(dataset)
    if dataset is None or crop is None:
        return
    pairs = [seen for seen in case.seen[TRAIN] if seen.size]
    small = [seen for seen in pairs if seen.size and _empty_share(seen.size, crop) > PADDED]
    if not small:
        return
    most = len(small) > FEW * len(pairs)
    typical = Size(*(int(np.median([seen.size[side] for seen in pairs if seen.size])) for side in (0, 1)))
    yield Finding(
        kind="crop-padding",
        level=Level.WARNING,
        title=f"More than half of a crop is padding for {count(len(small), 'picture')}",
        measured=f"RandomPaddingCrop.crop_size is {crop}, {small[0].pair.image} is {small[0].size}; the median picture "
        f"is {typical} (width x height)",
        suggestion="Take a crop no larger than the pictures." if most else "Scale these pictures up, or take them out.",
        snippet=f"crop_size: [{min(crop.width, typical.width)}, {min(crop.height, typical.height)}]" if most else "",
        files=images(small),
        shown=shown(small),
    )


@check(brief=False)
def outliers(case: Case) -> Iterator[Finding]:
    """A few pictures of quite another size or shape than the rest."""
    pairs = [seen for seen in case.everything if seen.size]
    if not pairs:
        return
    sizes = np.array([seen.size for seen in pairs], np.float64)
    areas, aspects = sizes.prod(axis=1), sizes.max(axis=1) / sizes.min(axis=1)
    for kind, values, times, what in (
        ("size-outlier", areas, ODD_AREA, "size"),
        ("aspect-outlier", aspects, ODD_ASPECT, "shape"),
    ):
        factors = values / np.median(values)
        odd = [seen for seen, factor in zip(pairs, factors, strict=True) if not 1 / times <= factor <= times]
        if odd and len(odd) <= FEW * len(pairs):
            typical = pairs[int(np.abs(factors - 1).argmin())].size
            yield Finding(
                kind=kind,
                level=Level.WARNING,
                title=f"{count(len(odd), 'picture')} of quite another {what} than the rest",
                measured=f"{odd[0].pair.image} is {odd[0].size}, the median picture about {typical} (width x height)",
                suggestion="Thumbnails, screenshots and panoramas slip in like that: look at them, and take them out.",
                files=images(odd),
                shown=shown(odd),
            )


@check(brief=False)
def unequal(case: Case) -> Iterator[Finding]:
    """Pictures that no batch can hold together."""
    dataset = case.datasets.get(TRAIN)
    if dataset is None or case.config is None or case.config.batch_size == 1:
        return
    by_size = {seen.size: seen for seen in reversed(case.seen[TRAIN]) if seen.size and not seen.faults}
    made: dict[Size, Observation] = {}
    for size, seen in by_size.items():
        result = _made_of(dataset, size)
        if result:
            made[result] = seen
    if len(made) < 2:
        return
    (one, first), (other, second) = list(made.items())[:2]
    yield Finding(
        kind="size-unequal",
        level=Level.ERROR,
        title="Pictures of a batch differ in size after the transforms",
        measured=f"{first.pair.image} becomes {one}, {second.pair.image} {other} (width x height), with batch_size "
        f"{case.config.batch_size}",
        suggestion="Add Resize or RandomPaddingCrop to the transforms of train_dataset.",
        snippet=f"- type: RandomPaddingCrop\n  crop_size: [{min(one.width, other.width)}, "
        f"{min(one.height, other.height)}]",
        files=images([first, second]),
        shown=(first, second),
    )


def _made_of(dataset: SegmentationDataset, size: Size) -> Size | None:
    """What the transforms make of a picture of this size, tried on a black one; None where they refuse it."""
    if dataset.multilabel or any(hasattr(step, "crop_size") for step in dataset.transforms.transforms):
        return None  # crops are all of the same size
    black, bare = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    try:
        return Size.of(dataset.transforms(black, bare, rng=np.random.default_rng(0)).image)
    except SegwrightError:
        return None


def _crop(dataset: SegmentationDataset | None) -> Size | None:
    """Of training, where nothing scales the pictures to a fixed size before."""
    for step in dataset.transforms.transforms if dataset else ():
        if hasattr(step, "target_size") or hasattr(step, "short_size"):
            return None
        if isinstance(step, RandomPaddingCrop):
            return step.crop_size
    return None


def _empty_share(size: Size, crop: Size) -> float:
    """Of a crop, 0 to 1, if the picture is not scaled."""
    return 1 - min(size.width, crop.width) * min(size.height, crop.height) / (crop.width * crop.height)
