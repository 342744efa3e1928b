"""Transforms do to each of several maps what they do to a single one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_transform_laws import COLOUR, GEOMETRIC, apply_all, samples, seeds

import segwright.transforms as T
from segwright.errors import DataError
from segwright.types import Sample


@settings(deadline=None)
@given(st.lists(st.one_of(GEOMETRIC, COLOUR), max_size=3), samples(), st.integers(1, 6), seeds)
def test_each_map_is_treated_as_a_single_one(transforms, sample, count, seed):
    if any(getattr(transform, "category_max_ratio", 1) < 1 for transform in transforms):
        return  # this one asks all maps where to cut
    values = np.array([0, 1, 255], np.uint8)
    maps = np.random.default_rng(seed).choice(values, (*sample.image.shape[:2], count))
    together = apply_all(transforms, Sample(sample.image, maps), seed)
    assert together.label.dtype == np.uint8
    assert together.label.shape == (*together.image.shape[:2], count)
    for index in range(count):
        alone = apply_all(transforms, Sample(sample.image, np.ascontiguousarray(maps[:, :, index])), seed)
        np.testing.assert_array_equal(together.label[:, :, index], alone.label)


@pytest.mark.parametrize("count", [1, 150])
def test_any_number_of_maps(count):
    maps = np.random.default_rng(0).integers(0, 2, (12, 16, count), dtype=np.uint8)
    steps = [
        T.ResizeStepScaling(1.5, 1.5),
        T.RandomPaddingCrop((14, 20)),
        T.RandomRotation(),
        T.RandomVerticalFlip(1.0),
    ]
    image = np.zeros((12, 16, 3), np.uint8)
    after = T.Compose([*steps, T.RandomHorizontalFlip(1.0)])(image, maps, seed=1, multilabel=True)
    assert after.label.shape == (*after.image.shape[:2], count)


def test_a_window_is_drawn_by_all_answers():
    """As PaddleSeg does: the share is that of the more frequent answer over all maps."""
    maps = np.zeros((20, 20, 2), np.uint8)
    maps[:5, :5] = 1
    crop = T.RandomPaddingCrop((10, 10), category_max_ratio=0.8, loop_times=1000)
    label = crop(Sample(np.zeros((20, 20, 3), np.uint8), maps), np.random.default_rng(0)).label
    assert label.mean() > 0.2


def test_maps_are_taken_only_where_they_are_announced():
    image, maps = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)
    assert T.Compose([])(image, maps, multilabel=True).label.shape == (4, 5, 3)
    with pytest.raises(
        DataError, match=r"\(H, W\), or \(H, W, K\) with multilabel=True; got uint8 of shape \(4, 5, 3\)"
    ):
        T.Compose([])(image, maps)
    with pytest.raises(DataError, match=r"\(H, W, K\) with multilabel; got"):
        T.Compose([])(image, maps[:, :, 0], multilabel=True)


def test_masks_are_made_of_ids():
    with pytest.raises(DataError, match="GenerateInstanceTargets takes"):
        T.GenerateInstanceTargets(3)(Sample(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)), None)
