"""Predictions come back to where their pixels were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segwright.transforms as T
from segwright.errors import ConfigError
from segwright.types import Cropped, Flipped, Padded, Resized, Sample, Size

sides = st.integers(1, 24)
RIGID = st.one_of(
    st.builds(T.RandomPaddingCrop, st.tuples(sides, sides)),
    st.just(T.RandomHorizontalFlip(1.0)),
    st.just(T.RandomVerticalFlip(1.0)),
    st.just(T.Padding((24, 24))),
    st.builds(T.PaddingByAspectRatio, st.sampled_from([0.5, 0.7, 1, 2])),
    st.builds(T.RandomCenterCrop, st.tuples(st.floats(0, 1), st.floats(0, 1))),
)
ANY = st.one_of(
    RIGID,
    st.builds(T.Resize, st.tuples(sides, sides)),
    st.just(T.ResizeStepScaling(0.5, 1.0)),
    st.builds(T.ScalePadding, st.tuples(sides, sides)),
    st.builds(T.ResizeByLong, sides),
    st.builds(T.ResizeByShort, sides, st.just(24)),
    st.builds(T.LimitLong, sides),
    st.builds(T.LimitShort, st.none(), sides),
    st.just(T.ResizeRangeScaling(3, 24)),
)


def push(transforms, label, seed):
    sample = Sample(np.zeros((*label.shape, 3), np.uint8), label)
    rng = np.random.default_rng(seed)
    for transform in transforms:
        sample = transform(sample, rng)
    return sample


def fitting(transforms):
    """Without a Padding that an image may have outgrown; the others never fail."""
    grown = [index for index, step in enumerate(transforms) if isinstance(step, T.PaddingByAspectRatio | T.LimitShort)]
    return [
        step
        for index, step in enumerate(transforms)
        if not (grown and isinstance(step, T.Padding) and index > grown[0])
    ]


def numbered(height, width):
    """Every pixel its own id, none of them padding's 255, so that a pixel in the wrong place shows."""
    return np.arange(256, 256 + height * width, dtype=np.int32).reshape(height, width)


@settings(deadline=None)
@given(st.lists(RIGID, max_size=6), sides, sides, st.integers(0, 1000))
def test_pixels_that_were_kept_come_back_to_their_places(transforms, height, width, seed):
    label = numbered(height, width)
    sample = push(fitting(transforms), label, seed)
    back = T.restore_label_map(sample.label, sample.geometry, fill=-1)
    kept = np.isin(label, sample.label)
    assert back.shape == label.shape
    np.testing.assert_array_equal(back[kept], label[kept])
    assert np.isin(back[~kept], [-1, 255]).all()


@settings(deadline=None)
@given(st.lists(ANY, max_size=6), sides, sides, st.integers(0, 1000))
def test_any_chain_ends_at_the_original_size(transforms, height, width, seed):
    sample = push(fitting(transforms), numbered(height, width), seed)
    size = Size.of(sample.image)
    assert T.restore_label_map(sample.label, sample.geometry).shape == (height, width)
    scores = T.restore_scores(np.ones((*size, 4), np.float32), sample.geometry)
    assert scores.shape == (height, width, 4)
    assert scores.dtype == np.float32
    assert scores.flags.c_contiguous
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-5


@given(st.integers(1, 12), st.integers(1, 12), st.floats(2, 4), st.floats(2, 4))
def test_a_label_enlarged_at_least_twice_comes_back_exactly(height, width, taller, wider):
    label = numbered(height, width)
    sample = push([T.Resize((int(np.ceil(width * wider)), int(np.ceil(height * taller))))], label, 0)
    np.testing.assert_array_equal(T.restore_label_map(sample.label, sample.geometry), label)


def test_steps_are_undone_in_reverse():
    geometry = (Resized(Size(2, 3)), Padded(Size(4, 6)), Flipped("horizontal"), Cropped(Size(5, 8), 1, 2))
    pred = np.ones((4, 6), np.uint8)
    assert T.restore_label_map(pred, geometry).shape == (2, 3)
    assert T.restore_scores(pred[:, :, None].astype(np.float32), geometry).shape == (2, 3, 1)


def test_padding_may_lie_on_any_side():
    canvas = np.array([[9, 9, 9], [9, 9, 5]], np.int64)
    assert T.restore_label_map(canvas, (Padded(Size(1, 1), top=1, left=2),)).tolist() == [[5]]


def test_what_a_crop_cut_away_is_filled():
    geometry = (Cropped(Size(3, 3), top=1, left=1),)
    assert T.restore_label_map(np.zeros((1, 1), np.uint8), geometry).tolist() == [[255] * 3, [255, 0, 255], [255] * 3]
    scores = T.restore_scores(np.ones((1, 1, 2), np.float32), geometry)
    assert scores.sum() == 2
    assert scores[1, 1].tolist() == [1, 1]


@pytest.mark.parametrize("channels", [1, 2, 19, 150, 600])
def test_scores_of_any_number_of_classes(channels):
    scores = np.random.default_rng(0).normal(size=(5, 7, channels)).astype(np.float32)
    restored = T.restore_scores(scores, (Resized(Size(10, 14)),))
    alone = T.restore_scores(scores[:, :, -1:], (Resized(Size(10, 14)),))
    np.testing.assert_allclose(restored[:, :, -1:], alone, atol=1e-6)


def test_scores_are_interpolated_between_pixel_centres():
    row = np.array([0, 4], np.float32).reshape(1, 2, 1)
    assert T.restore_scores(row, (Resized(Size(1, 4)),))[0, :, 0].tolist() == [0, 1, 3, 4]


def test_a_rotated_prediction_cannot_come_back():
    sample = push([T.RandomRotation()], numbered(8, 8), 0)
    with pytest.raises(ConfigError, match="rotated at random cannot be brought back"):
        T.restore_label_map(sample.label, sample.geometry)


def test_input_is_left_alone():
    pred = numbered(4, 4)
    pred.setflags(write=False)
    geometry = (Cropped(Size(6, 6), 1, 1), Flipped("vertical"), Resized(Size(4, 4)))
    T.restore_label_map(pred, geometry)
    np.testing.assert_array_equal(pred, numbered(4, 4))
