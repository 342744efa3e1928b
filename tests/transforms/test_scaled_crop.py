"""Scaling and cropping in one step against the two of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segwright.transforms as T
from segwright.transforms.resize import resize_sample
from segwright.types import Sample

sides = st.integers(1, 90)


def one_by_one(transforms, sample, seed):
    rng = np.random.default_rng(seed)
    for transform in transforms:
        sample = transform(sample, rng)
    return sample


def noisy_sample(height, width, dtype, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(dtype)
    return Sample(image, rng.integers(0, 3, (height, width)).astype(np.uint8))


@settings(deadline=None)
@given(
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.sampled_from([0.0, 0.25]),
    st.sampled_from([0.7, 1.0]),
    st.sampled_from([np.uint8, np.float32]),
    st.integers(0, 2**32 - 1),
)
def test_compose_gives_what_the_transforms_give_one_by_one(size, crop_size, step, category_max_ratio, dtype, seed):
    transforms = [
        T.ResizeStepScaling(0.5, 2.0, step),
        T.RandomPaddingCrop(crop_size, category_max_ratio=category_max_ratio),
        T.RandomHorizontalFlip(),
    ]
    sample = noisy_sample(*size, dtype, seed)
    expected = one_by_one(transforms, sample, seed)
    actual = T.Compose(transforms)(sample.image, sample.label, seed=seed)
    assert actual.geometry == expected.geometry
    np.testing.assert_array_equal(actual.label, expected.label)
    np.testing.assert_array_equal(actual.image, expected.image)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.25, 1.5, 1.75, 2.0])
def test_large_pictures_differ_by_a_level_at_most(factor):
    """OpenCV's single precision runs out a thousand pixels from the corner."""
    transforms = [T.ResizeStepScaling(factor, factor, 0), T.RandomPaddingCrop((300, 200))]
    sample = noisy_sample(1024, 2048, np.uint8, 0)
    for seed in range(3):
        expected = one_by_one(transforms, sample, seed)
        actual = T.Compose(transforms)(sample.image, sample.label, seed=seed)
        np.testing.assert_array_equal(actual.label, expected.label)
        difference = np.abs(actual.image.astype(int) - expected.image)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.02


def test_only_the_window_is_resampled(monkeypatch):
    areas = []

    def watched(array, size, interpolation):
        areas.append(size.height * size.width)
        return resize(array, size, interpolation)

    resize = T.scaled_crop.resize
    monkeypatch.setattr(T.scaled_crop, "resize", watched)
    transforms = T.Compose([T.ResizeStepScaling(2.0, 2.0, 0), T.RandomPaddingCrop((100, 100))])
    sample = noisy_sample(512, 512, np.uint8, 0)
    transforms(sample.image, sample.label, seed=0)
    assert len(areas) == 2
    assert max(areas) < 1.2 * 100 * 100


def test_transforms_of_other_classes_are_left_alone():
    class Scaling(T.ResizeStepScaling):
        def __call__(self, sample, rng):  # noqa: ARG002
            return resize_sample(sample, T.resize.scaled(T.resize.Size.of(sample.image), 3.0), 0)

    after = T.Compose([Scaling(), T.RandomPaddingCrop((90, 90))])(np.zeros((30, 30, 3), np.uint8), seed=0)
    assert len(after.geometry) == 1
    assert after.image.shape == (90, 90, 3)
