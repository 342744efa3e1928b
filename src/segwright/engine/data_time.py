"""Where the time goes on a sample's way from its files to a batch."""

import copy
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

import cv2
import numpy as np

from segwright.console import track
from segwright.datasets import SegmentationDataset
from segwright.engine.loader import TrainingSamples, collate, training_batches
from segwright.engine.order import SampleKey, TrainingOrder
from segwright.errors import SegwrightError
from segwright.transforms import Compose
from segwright.transforms.scaled_crop import ScaledCrop, without_waste

READ, IMAGE, LABEL = "read files", "decode picture", "decode and check label map"
OTHER, COLLATE = "everything else", "collate"
STAGES = {"stored": READ, "load_image": IMAGE, "load_label": LABEL, "load": LABEL}
"""Methods of a data set, and the stage that their time counts for, without that of the others in it."""


@dataclass(frozen=True)
class DataTime:
    """Time of each stage.

    Attributes:
        stages: milliseconds of each sample, by stage, in the order of the stages.
        decoded_bytes: of all pictures and label maps of the data set, estimated from those looked at.
    """

    stages: dict[str, list[float]]
    decoded_bytes: int

    @property
    def num_samples(self) -> int:
        """Samples looked at."""
        return len(self.stages[OTHER])

    @property
    def sample_ms(self) -> float:
        """Mean of a whole sample, which a reader's speed follows from; medians do not add up."""
        return sum(sum(times) for times in self.stages.values()) / self.num_samples

    def median(self, stage: str) -> float:
        """Milliseconds of a usual sample."""
        return median(self.stages[stage])

    def share(self, stage: str) -> float:
        """Of the whole time, 0 to 1."""
        return sum(self.stages[stage]) / (self.sample_ms * self.num_samples)


class Stopwatch:
    """Adds up the time that functions take, without that of others which they call and which are timed as well."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)  # seconds
        self._inner = [0.0]  # seconds of timed calls, for each call that is under way

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time counted for ``stage``."""

        def call(*args: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                took = time.perf_counter() - start
                self.spent[stage] += took - self._inner.pop()
                self._inner[-1] += took

        return call

    def lap(self) -> dict[str, float]:
        """Milliseconds by stage since the last time."""
        spent = {stage: seconds * 1000 for stage, seconds in self.spent.items()}
        self.spent.clear()
        return spent


def measure(dataset: SegmentationDataset, *, samples: int, batch_size: int) -> DataTime:
    """Make samples as a reader does, in one thread, each a different one.

    Files on the disk are read once more than in training: the first time counts as reading, and is as slow as the disk
    if the system does not hold the file in memory; the second is part of decoding.

    Args:
        dataset: with label maps.
        samples: how many to make, at most all.
        batch_size: samples that are collated.

    Raises:
        DataError: a picture or label map cannot be used.
        ConfigError: the pictures of a batch differ in size.
    """
    watch = Stopwatch()
    decoded: list[int] = []
    make = watch.timed(OTHER, TrainingSamples(_timed(dataset, watch, decoded), seed=0).__getitem__)
    stack = watch.timed(COLLATE, collate)
    positions = np.random.default_rng(0).permutation(len(dataset))[:samples].tolist()
    laps: list[dict[str, float]] = []
    items: list[Any] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        _checked(make(SampleKey(positions[0], 1)))  # whatever is done once
        watch.lap()
        for position in track(positions, "making samples"):
            items.append(_checked(make(SampleKey(position, 0))))
            laps.append(watch.lap())
            if len(items) == min(batch_size, len(positions)):
                _checked(stack(items))
                share = watch.lap()[COLLATE] / len(items)
                for lap in laps[-len(items) :]:
                    lap[COLLATE] = share
                items = []
    finally:
        cv2.setNumThreads(threads)
    whole = laps[: len(laps) - len(items)]  # those that are in no batch have not gone all the way
    stages = sorted(whole[0], key=lambda stage: (stage in (OTHER, COLLATE), stage == COLLATE))
    return DataTime(
        {stage: [lap.get(stage, 0.0) for lap in whole] for stage in stages},
        decoded_bytes=round(sum(decoded) / len(decoded) * len(dataset)),
    )


def batches_per_second(dataset: SegmentationDataset, num_workers: int, *, samples: int, batch_size: int) -> float:
    """What reader processes deliver together, from when all of them are at work.

    Raises:
        As ``training_batches``.
    """
    batches = -(-samples // batch_size)
    start_up = 2 * num_workers  # what readers have made ahead when the first batch comes
    order = TrainingOrder(len(dataset), batch_size=batch_size, iters=start_up + batches + 1)
    stream = training_batches(dataset, order, num_workers=num_workers)
    try:
        for _ in islice(stream, start_up + 1):
            pass
        start = time.perf_counter()
        for _ in stream:
            pass
        return batches / (time.perf_counter() - start)
    finally:
        stream.close()


def _timed(dataset: SegmentationDataset, watch: Stopwatch, decoded: list[int]) -> SegmentationDataset:
    """The same data set, its stages timed; the sizes of what it decodes are noted in ``decoded``."""
    twin = copy.copy(dataset)
    stored, load = dataset.stored, twin.load

    def read(path: Any) -> Any:
        content = stored(path)
        if not isinstance(content, bytes):
            with suppress(OSError):  # which the decoder explains
                content.read_bytes()
        return content

    def note_size(index: int) -> Any:
        loaded = load(index)
        decoded.append(sum(array.nbytes for array in loaded if array is not None))
        return loaded

    replaced = {"stored": read, "load": note_size}
    for method, stage in STAGES.items():
        setattr(twin, method, watch.timed(stage, replaced.get(method, getattr(twin, method))))
    steps = [watch.timed(_name(step), step) for step in without_waste(dataset.transforms.transforms)]
    twin.transforms = Compose(steps, to_rgb=dataset.transforms.to_rgb, img_channels=dataset.transforms.img_channels)
    return twin


def _name(transform: Any) -> str:
    if isinstance(transform, ScaledCrop):
        return f"{_name(transform.scaling)} + {_name(transform.crop)}"
    return getattr(transform, "__name__", type(transform).__name__)


def _checked(made: Any) -> Any:
    if isinstance(made, SegwrightError):
        raise made
    return made
