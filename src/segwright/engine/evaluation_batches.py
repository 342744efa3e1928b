"""Pictures of an evaluation on their way through the model, several at a time."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segwright.datasets import SegmentationDataset
from segwright.datasets.base import channels_first
from segwright.engine.loader import Picture
from segwright.errors import DataError


class Clocked(Iterator[Picture]):
    """Pictures, and how many seconds they were waited for."""

    def __init__(self, pictures: Iterator[Picture]) -> None:
        self.seconds = 0.0
        self._pictures = pictures

    def __next__(self) -> Picture:
        before = time.perf_counter()
        try:
            return next(self._pictures)
        finally:
            self.seconds += time.perf_counter() - before


def batches(pictures: Iterable[Picture], batch_size: int) -> Iterator[list[Picture]]:
    """Pictures that follow each other and are alike, at most ``batch_size`` at once; no wait for one that is not in."""
    batch: list[Picture] = []
    for picture in pictures:
        if batch and _kind(picture) != _kind(batch[0]):
            yield batch
            batch = []
        batch.append(picture)
        if len(batch) == batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


def _kind(picture: Picture) -> tuple[Any, ...]:
    label = None if picture.label is None else picture.label.shape
    return picture.image.shape, picture.geometry, label


def images(batch: Sequence[Picture], device: torch.device) -> Tensor:
    """(N, C, H, W) on the device."""
    return _sent(torch.cat([picture.image for picture in batch]), device)


def labels(batch: Sequence[Picture], dataset: SegmentationDataset, device: torch.device) -> Tensor:
    """(N, H, W), or (N, C, H, W) where a pixel may have several labels, on the device."""
    maps = []
    for picture in batch:
        if picture.label is None:
            raise DataError(f"{dataset.pairs[picture.number].image} has no label, so it cannot be evaluated")
        maps.append(channels_first(picture.label))
    return _sent(torch.from_numpy(np.stack(maps)), device)


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; to a GPU it goes from pinned memory, for which nothing has to wait."""
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
