"""Batches of a data set whose decoded pictures are kept: the same as without, however many readers there are."""

import pytest
import torch

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.datasets.cache import DecodedCache
from segwright.engine.loader import training_batches
from segwright.engine.order import TrainingOrder


def read(root, workers: int, megabytes: int) -> tuple[list[dict], DecodedCache | None]:
    transforms = [T.RandomPaddingCrop((32, 32)), T.RandomHorizontalFlip(), T.RandomDistort(0.4), T.Normalize()]
    dataset = Dataset(transforms, root, 2, train_path="train.txt")
    dataset.cache = DecodedCache(megabytes, len(dataset)) if megabytes else None
    order = TrainingOrder(len(dataset), batch_size=3, iters=8, seed=5)
    return list(training_batches(dataset, order, num_workers=workers)), dataset.cache


@pytest.fixture(scope="module")
def uncached(toy_data):
    return read(toy_data, 0, 0)[0]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_r52_batches_are_the_same_with_the_cache_and_any_number_of_workers(toy_data, uncached, workers):
    batches, cache = read(toy_data, workers, megabytes=1)
    assert len(batches) == len(uncached) == 8
    for one, other in zip(uncached, batches, strict=True):
        assert one["file"] == other["file"]
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])
    counts = cache.counts()
    assert counts.hits + counts.misses == 24
    assert counts.samples == 8
    assert counts.misses <= 8 + max(0, workers - 1)  # two readers may decode the same picture at the same moment


def test_unchanged_label_maps_reach_the_batch_without_a_warning(toy_data, recwarn):
    dataset = Dataset([], toy_data, 2, train_path="train.txt")
    dataset.cache = DecodedCache(1, len(dataset))
    order = TrainingOrder(len(dataset), batch_size=4, iters=4)
    assert len(list(training_batches(dataset, order, num_workers=0))) == 4
    assert dataset.cache.counts().hits == 8
    assert not [warning for warning in recwarn if "writable" in str(warning.message)]
