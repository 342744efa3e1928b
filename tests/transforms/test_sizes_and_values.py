"""Sizes by one side, blur, noise, rotation: what a draw may do, and what it may not."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segwright.transforms as T
from segwright.transforms.warp import warp
from segwright.types import Sample, Size

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
sides = st.integers(1, 60)


def blank(height, width):
    return Sample(np.zeros((height, width, 3), np.uint8))


def sized(transform, height, width):
    return Size.of(transform(blank(height, width), np.random.default_rng(0)).image)


@given(sides, sides, sides)
def test_one_side_gets_its_length_and_the_other_follows(height, width, length):
    for size, one, other in (
        (sized(T.ResizeByLong(length), height, width), max, min),
        (sized(T.ResizeByShort(length), height, width), min, max),
    ):
        assert one(size) == length
        exact = length * other(height, width) / one(height, width)
        assert abs(other(size) - exact) <= 0.5 or other(size) == 1
        assert (size.height >= size.width) or (width >= height)


@given(sides, sides, sides)
def test_the_longer_side_keeps_its_limit_without_a_memory(height, width, limit):
    transform = T.ResizeByShort(50, max_size=limit)
    first = sized(transform, height, width)
    assert max(first) <= limit
    sized(transform, 1, 60)
    assert sized(transform, height, width) == first


def test_an_overlong_image_leaves_later_ones_alone():
    transform = T.ResizeByShort(32, max_size=64)
    assert sized(transform, 10, 100) == (6, 60)
    assert sized(transform, 20, 20) == (32, 32)
    assert sized(transform, 1, 100) == (1, 64)


def test_several_short_sides_are_drawn_from_for_each_image():
    transform = T.ResizeByShort((16, 24, 32))
    rng = np.random.default_rng(0)
    assert {min(Size.of(transform(blank(20, 40), rng).image)) for _ in range(30)} == {16, 24, 32}


@given(sides, sides)
def test_limits_change_only_what_is_outside(height, width):
    assert max(sized(T.LimitLong(40, 20), height, width)) == min(max(height, width, 20), 40)
    assert min(sized(T.LimitShort(40, 20), height, width)) == min(max(min(height, width), 20), 40)
    sample = blank(height, width)
    assert T.LimitLong()(sample, RNG) is sample
    assert T.LimitShort()(sample, RNG) is sample


def test_the_range_is_met_to_both_ends():
    rng = np.random.default_rng(0)
    drawn = [max(Size.of(T.ResizeRangeScaling(10, 13)(blank(5, 9), rng).image)) for _ in range(200)]
    assert set(drawn) == {10, 11, 12, 13}


@given(sides, sides, st.floats(0.2, 5))
def test_padding_gives_the_ratio_within_a_pixel_and_cuts_nothing(height, width, ratio):
    after = T.PaddingByAspectRatio(ratio).size_for(Size(height, width))
    assert after.height == height or after.width == width
    assert after.height >= height
    assert after.width >= width
    assert after.width < (after.height + 1) * ratio + 1e-6
    assert after.width + 1 > after.height * ratio - 1e-6


def test_scale_padding_centres():
    image = np.full((20, 60, 3), 200, np.uint8)
    after = T.ScalePadding((60, 60), im_padding_value=0)(Sample(image, np.ones((20, 60), np.uint8)), RNG)
    assert (after.image[20:40] == 200).all()
    assert not after.image[:20].any()
    assert not after.image[40:].any()
    assert [np.unique(part).tolist() for part in np.split(after.label, 3)] == [[255], [1], [255]]


def test_center_crop_keeps_its_share():
    rng = np.random.default_rng(0)
    sizes = [Size.of(T.RandomCenterCrop((0.5, 0.9))(Sample(PICTURE), rng).image) for _ in range(100)]
    assert min(size.width for size in sizes) >= 30
    assert min(size.height for size in sizes) >= 36
    assert len(set(sizes)) > 20
    narrow = T.RandomCenterCrop((1.0, 0.5))(Sample(PICTURE), rng)  # PaddleSeg fails where one share is 1
    assert narrow.image.shape[1] == 60


@pytest.mark.parametrize("prob", [0.0, 0.3, 0.6, 1.0])
def test_blur_and_noise_are_as_frequent_as_they_say(prob):
    """PaddleSeg's blur fires in one of ``int(1 / prob)`` cases: always from 0.51 on, a third of them for 0.3."""
    image = PICTURE[:6, :6]
    rng = np.random.default_rng(0)
    for transform in (T.RandomBlur(prob), T.RandomNoise(prob)):
        share = np.mean([transform(Sample(image), rng).image is not image for _ in range(400)])
        assert share == pytest.approx(prob, abs=0.08)


@pytest.mark.parametrize("kind", ["gaussian", "median", "blur"])
@pytest.mark.parametrize("channels", [1, 3, 7])
def test_blur_makes_neighbours_alike(kind, channels):
    image = RNG.integers(0, 256, (40, 60, channels), dtype=np.uint8)
    after = T.RandomBlur(1.0, kind)(Sample(image), RNG).image
    assert after.shape == image.shape
    assert np.abs(np.diff(after.astype(int), axis=1)).mean() < np.abs(np.diff(image.astype(int), axis=1)).mean() / 2


def test_noise_has_its_strength_and_stays_in_range():
    gray = Sample(np.full((200, 200, 3), 128, np.float32))
    strengths = [float(np.std(T.RandomNoise(1.0, 20.0)(gray, np.random.default_rng(seed)).image)) for seed in range(40)]
    assert max(strengths) < 20.5
    assert np.mean(strengths) == pytest.approx(10, abs=2)
    white = T.RandomNoise(1.0, 50.0)(Sample(np.full((50, 50, 1), 255, np.uint8)), RNG).image
    assert white.dtype == np.uint8
    assert white.max() == 255
    assert white.min() > 20  # nothing wraps around


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int32])
def test_a_quarter_turn_moves_every_pixel_to_its_place(dtype):
    array = RNG.integers(0, 200, (9, 9)).astype(dtype)
    matrix = cv2.getRotationMatrix2D((4, 4), 90, 1.0)
    turned = warp(array, matrix, Size(9, 9), cv2.INTER_NEAREST, np.array([255]))
    np.testing.assert_array_equal(turned, np.rot90(array))
    assert turned.dtype == dtype


def test_rotation_keeps_all_of_the_picture_and_its_label_under_it():
    label = np.zeros((40, 60), np.uint8)
    label[10:30, 20:50] = 1
    sample = Sample(np.repeat(label[:, :, None] * 100, 3, axis=2), label)
    areas = []
    for seed in range(10):
        after = T.RandomRotation(60, im_padding_value=0)(sample, np.random.default_rng(seed))
        assert ((after.image[:, :, 0] > 50) == (after.label == 1)).mean() > 0.95
        areas.append((after.label == 1).sum())
    assert min(areas) > 0.9 * 600
    assert max(areas) < 1.1 * 600


def test_affine_without_chance_fills_its_size():
    gradient = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 40, axis=0)
    transform = T.RandomAffine((120, 80), max_rotation=0, min_scale_factor=1, max_scale_factor=1)
    row = transform(Sample(gradient), RNG).image[40, 2:-2, 0].astype(int)
    assert all(before <= after for before, after in pairwise(row))
    assert row[0] < 8
    assert row[-1] > 228


def test_many_channels_are_warped_alike():
    image = np.repeat(PICTURE[:, :, :1], 7, axis=2)
    for transform in (T.RandomRotation(), T.RandomAffine()):
        after = transform(Sample(image), np.random.default_rng(1)).image
        assert (after == after[:, :, :1]).all()
    colours = tuple(range(10, 17))
    corner = T.RandomRotation(45, im_padding_value=colours)(Sample(image), np.random.default_rng(1)).image[0, 0]
    assert corner.tolist() == list(colours)
