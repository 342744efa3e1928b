"""Boundary IoU is the paper's, whatever the number of classes, and ignores what is ignored."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.metrics import BoundaryCounts
from segwright.metrics.boundary import boundary_areas


def boundary_of_mask(mask: np.ndarray, distance: int) -> np.ndarray:
    """The paper's way: a mask without what is left of it when it loses one pixel all around, ``distance`` times."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=distance)
    return (mask - eroded[1:-1, 1:-1]).astype(bool)


def by_class(pred: np.ndarray, label: np.ndarray, num_classes: int, distance: int) -> np.ndarray:
    areas = np.zeros((3, num_classes), np.int64)
    for index in range(num_classes):
        ours, theirs = (boundary_of_mask((ids == index).astype(np.uint8), distance) for ids in (pred, label))
        areas[:, index] = (ours & theirs).sum(), ours.sum(), theirs.sum()
    return areas


def blobs(rng: np.random.Generator, height: int, width: int, num_classes: int) -> np.ndarray:
    coarse = rng.integers(0, num_classes, (3, 4)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    num_classes=st.integers(1, 6),
    ratio=st.sampled_from([0.02, 0.1, 0.7]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_areas_are_those_of_each_class_by_itself(height, width, num_classes, ratio, seed):
    rng = np.random.default_rng(seed)
    pred, label = blobs(rng, height, width, num_classes), blobs(rng, height, width, num_classes)
    distance = max(1, round(ratio * (height**2 + width**2) ** 0.5))
    areas = boundary_areas(pred, label, num_classes, dilation_ratio=ratio)
    np.testing.assert_array_equal(areas, by_class(pred, label, num_classes, distance))
    np.testing.assert_array_equal(
        areas, boundary_areas(pred.astype(np.int64), label, num_classes, dilation_ratio=ratio)
    )


def test_ids_beyond_a_byte_count_too():
    rng = np.random.default_rng(0)
    pred, label = (blobs(rng, 40, 50, 6).astype(np.int32) * 60 for _ in range(2))
    np.testing.assert_array_equal(boundary_areas(pred, label, 301, ignore_index=-1), by_class(pred, label, 301, 1))


def test_a_shift_costs_boundaries_more_than_areas():
    label = np.zeros((200, 200), np.uint8)
    label[40:160, 40:160] = 1
    counts = BoundaryCounts(2)
    counts.update(label, label)
    assert counts.scores()["mIoU"] == 1
    counts = BoundaryCounts(2)
    counts.update(np.roll(label, 3, axis=1), label)
    union = 2 * 120 * 120 - 120 * 117
    assert counts.scores()["class_iou"][1] < 0.65 < 120 * 117 / union


def test_ignored_pixels_count_nowhere_and_are_no_outline():
    label = np.zeros((100, 100), np.uint8)
    label[30:70, 30:70] = 1
    void = label.copy()
    void[28:30, 20:80] = 255
    void[45:55, 45:55] = 255  # inside class 1, far from its outline
    areas = boundary_areas(label, void, 2)
    assert areas[0].tolist() == areas[1].tolist() == areas[2].tolist()  # all that is judged is right
    whole = boundary_areas(label, label, 2)
    assert areas[0, 1] == whole[0, 1] - 2 * 34  # the other class is two rows further off, behind the void
    for anything in (0, 1):
        pred = np.where(void == 255, anything, label).astype(np.uint8)
        np.testing.assert_array_equal(boundary_areas(pred, void, 2), areas)


def test_pictures_add_up_whoever_counts_them():
    rng = np.random.default_rng(3)
    pairs = [(blobs(rng, 30, 40, 4), blobs(rng, 30, 40, 4)) for _ in range(4)]
    together, one, other = BoundaryCounts(4), BoundaryCounts(4), BoundaryCounts(4)
    for number, pair in enumerate(pairs):
        together.update(*pair)
        (one if number % 2 else other).update(*pair)
    one.add(other)
    assert one.scores() == together.scores()
    with pytest.raises(ConfigError, match="cannot merge"):
        one.add(BoundaryCounts(3))


def test_maps_of_several_labels_are_classes_of_their_own():
    rng = np.random.default_rng(4)
    pred, label = (np.stack([blobs(rng, 30, 40, 2) for _ in range(3)]) for _ in range(2))
    label[1, :4] = 255
    counts = BoundaryCounts(3)
    counts.update(pred.astype(bool), label)
    for index in range(3):
        alone = boundary_areas(pred[index], label[index], 2)
        assert counts.counts[:, index].tolist() == alone[:, 1].tolist()


@pytest.mark.parametrize("shapes", [((4, 5), (5, 4)), ((2, 4, 5), (2, 4, 5)), ((4,), (4,))])
def test_shapes_that_do_not_fit_are_errors(shapes):
    with pytest.raises(DataError, match=r"of the label's size|2 maps of 0 and 1, but 3 classes"):
        BoundaryCounts(3).update(*(np.zeros(shape, np.uint8) for shape in shapes))
