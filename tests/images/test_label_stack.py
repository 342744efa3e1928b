"""Maps of several labels in one file, and how they are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwright.images import BACKGROUND, join_maps, overlay_maps, split_maps, topmost
from segwright.types import Size

stacks = arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    elements=st.sampled_from([0, 1, 255]),
)


@given(stacks)
def test_what_is_joined_comes_apart_again(maps):
    size = Size.of(maps)
    np.testing.assert_array_equal(split_maps(join_maps(maps), size), maps)
    below = maps.transpose(2, 0, 1).reshape(-1, size.width)
    np.testing.assert_array_equal(split_maps(below, size), maps)


@pytest.mark.parametrize("shape", [(6, 20), (7, 8), (12, 24), (5, 16), (6, 4)])
def test_maps_of_another_size_are_none(shape):
    assert split_maps(np.zeros(shape, np.uint8), Size(6, 8)) is None


@given(stacks.map(lambda maps: maps & 1))
def test_the_topmost_is_the_last_that_says_yes(maps):
    expected = [
        max((k + 1 for k in range(maps.shape[2]) if maps[row, column, k]), default=0)
        for row, column in np.ndindex(maps.shape[:2])
    ]
    assert topmost(maps).ravel().tolist() == expected


def test_more_classes_than_a_byte_counts():
    maps = np.zeros((1, 2, 300), np.uint8)
    maps[0, 0, 299] = 1
    assert topmost(maps).tolist() == [[300, 0]]


def test_overlapping_areas_are_blended_and_outlined():
    image = np.full((7, 7, 3), 100, np.uint8)
    maps = np.zeros((7, 7, 3), np.uint8)
    maps[:5, :5, 0] = 1
    maps[1:6, 1:6, 1] = 1
    maps[:, :, 2] = 1
    drawn = overlay_maps(image, maps, [(200, 0, 0), (0, 200, 0), BACKGROUND])
    assert drawn[6, 6].tolist() == [100, 100, 100]  # no class with a colour
    assert drawn[0, 0].tolist() == [140, 60, 60]  # the picture's rim is no outline
    assert drawn[4, 0].tolist() == [200, 0, 0]
    assert drawn[1, 1].tolist() == [0, 200, 0]  # the outline of the second area lies over the first
    assert drawn[3, 3].tolist() == [84, 116, 36]
    assert (image == 100).all()
