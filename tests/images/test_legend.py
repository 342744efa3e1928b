"""Legends beside pictures, and comparisons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.images import LegendEntry, compare, with_legend
from segwright.images.comparison import UNLABELLED, WRONG

ENTRIES = [LegendEntry("road", (200, 30, 40), "61.0 %"), LegendEntry("a longer name", (20, 130, 40), "39.0 %")]


def holds(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 40), st.sampled_from([None, True, False]))
def test_a_legend_covers_nothing_and_shows_all_colours(height, width, count, below):
    image = np.full((height, width, 3), 77, np.uint8)
    entries = [LegendEntry(f"class {number}", (5 * number, 10, 200)) for number in range(count)]
    drawn = with_legend(image, entries, below=below)
    np.testing.assert_array_equal(drawn[:height, :width], image)
    assert drawn.shape[0] > height or drawn.shape[1] > width
    strip = drawn.copy()
    strip[:height, :width] = 255
    assert all(holds(strip, entry.colour) for entry in entries)
    assert (drawn[-1, -1] == 255).all()  # nothing runs over the edge


def test_it_goes_where_it_takes_less_room():
    for shape in ((100, 900, 3), (900, 100, 3), (360, 480, 3)):
        image = np.zeros(shape, np.uint8)
        right, below = (with_legend(image, ENTRIES, below=choice) for choice in (False, True))
        assert with_legend(image, ENTRIES).size == min(right.size, below.size)


def test_without_entries_there_is_none():
    image = np.zeros((4, 5, 3), np.uint8)
    assert with_legend(image, []) is image


def test_letters_grow_with_the_picture():
    widths = [
        with_legend(np.zeros((side, side, 3), np.uint8), ENTRIES, below=False).shape[1] - side for side in (400, 1600)
    ]
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("shape", [(240, 320), (240, 800)])
def test_a_comparison_marks_what_is_wrong_and_what_is_not_labelled(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    truth, pred = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    truth[:120], pred[:120, :160], truth[200:] = 1, 1, 255
    drawn = compare(image, truth, pred, [(0, 0, 0), (200, 30, 40)], ENTRIES[:1])
    wide = shape[1] > 400
    assert (drawn.shape[0] > 3 * shape[0]) == wide
    assert (drawn.shape[1] > 3 * shape[1]) == (not wide)
    num_wrong = (drawn == WRONG).all(axis=2).sum()
    assert num_wrong >= 120 * (shape[1] - 160)
    assert (drawn == UNLABELLED).all(axis=2).sum() >= 40 * shape[1]
    same = compare(image, pred, pred, [(0, 0, 0), (200, 30, 40)], [])
    assert not holds(same, UNLABELLED)
