"""Where a label map belongs is measured to the pixel, and one that fits is left alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import scene

from segwright.datasets import Pair
from segwright.doctor import Case, Finding
from segwright.doctor.alignment import FITS, REACH, Alignment, align, in_the_middle
from segwright.doctor.checks.misplaced import turned_together
from segwright.doctor.observation import Observation
from segwright.doctor.remedy import black_and_white, counted_from_one

few = settings(max_examples=20, deadline=None)


@given(seed=st.integers(0, 200))
@few
def test_a_label_map_that_fits_lies_where_it_is(seed):
    found = align(*scene(seed, 3), ignore_index=255)
    assert found is not None
    where = found.evidence()
    assert max(abs(where.right), abs(where.down)) <= 1
    assert where.here > FITS


@given(seed=st.integers(0, 200), right=st.integers(-9, 9), down=st.integers(-9, 9))
@few
def test_a_shift_is_measured_to_the_pixel(seed, right, down):
    image, label = scene(seed, 3)
    found = align(image, np.roll(label, (-down, -right), axis=(0, 1)), ignore_index=255)
    assert found is not None
    where = found.evidence()
    assert abs(where.right - right) <= 1
    assert abs(where.down - down) <= 1


@pytest.mark.parametrize(("turn", "place"), [(np.fliplr, 0), (np.flipud, 1), (lambda ids: ids[::-1, ::-1], 2)])
def test_a_mirrored_label_map_fits_when_it_is_mirrored(turn, place):
    image, label = scene(1, 3)
    found = align(image, np.ascontiguousarray(turn(label)), ignore_index=255)
    assert found is not None
    values = [in_the_middle(places) for places in found.turned]
    assert values[place] == max(values)
    assert values[place] > 1.5 * in_the_middle(found.places)


def test_changes_along_a_border_count_for_nothing():
    stripes = np.tile(np.repeat([40, 200], 4), 32).astype(np.uint8)  # 256 columns
    image = np.repeat(np.tile(stripes, (256, 1))[..., None], 3, axis=2)
    label = np.zeros((256, 256), np.uint8)
    label[128:] = 1  # a border from left to right, across which the stripes do not change
    along = align(image, label, ignore_index=255)
    across = align(image, np.ascontiguousarray(label.T), ignore_index=255)
    assert along.places.max() < 0.01
    assert across.places.max() > 1


def together(bump: float) -> list[Finding]:
    """Of 16 pairs, in each of which chance is as strong as the ``bump`` where mirrored label maps would lie."""
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(16):
        places, *turned = 0.7 + 0.1 * rng.standard_normal((4, 2 * REACH + 1, 2 * REACH + 1))
        turned[0][REACH, REACH] += bump
        pair = Pair(Path(f"{number}.jpg"), Path(f"{number}.png"))
        pairs.append(Observation(split="val", index=number, pair=pair, alignment=Alignment(places, 1.0, tuple(turned))))
    return list(turned_together(Case({}, {"val": pairs})))


def test_what_no_pair_shows_alone_all_of_them_show_together():
    (found,) = together(0.25)
    assert (found.kind, found.title) == ("label-turned", "The label maps of val are mirrored left to right")
    assert together(0.0) == []


def test_flat_pictures_and_bare_label_maps_say_nothing():
    image, label = scene(0, 3)
    assert align(np.full_like(image, 90), label, 255) is None
    assert align(image, np.zeros_like(label), 255) is None
    assert align(image, np.where(label == 1, 255, 0).astype(np.uint8), 255) is None
    assert align(image[:20, :20], label[:20, :20], 255) is None


@pytest.mark.parametrize(
    ("ids", "num_classes", "meaning"),
    [
        ({0, 255}, 2, {255: 1}),
        ({0, 128}, 2, {128: 1}),
        ({0, 1, 255}, 2, None),
        ({0, 1}, 2, None),
        ({0}, 2, None),
        ({0, 3}, 3, None),
    ],
)
def test_black_and_white_is_recognised_for_two_classes(ids, num_classes, meaning):
    assert black_and_white(ids, num_classes) == meaning


@pytest.mark.parametrize(
    ("ids", "meaning"),
    [
        ({1, 2, 3}, {1: 0, 2: 1, 3: 2}),
        ({1, 2, 3, 255}, {1: 0, 2: 1, 3: 2}),
        ({1, 2}, None),
        ({0, 1, 2, 3}, None),
        ({0, 1, 7}, None),
        (set(), None),
    ],
)
def test_ids_from_1_on_are_recognised_where_none_is_missing_at_the_end(ids, meaning):
    assert counted_from_one(ids, 3, ignore_index=255) == meaning
