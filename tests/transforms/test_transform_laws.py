"""Laws that hold for every image, label and draw."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segwright.transforms as T
from segwright.types import Sample, Size

sides = st.integers(1, 40)
sizes_wh = st.tuples(sides, sides)
seeds = st.integers(0, 2**32 - 1)

GEOMETRIC = st.one_of(
    st.builds(
        T.Resize,
        sizes_wh,
        keep_ratio=st.booleans(),
        size_divisor=st.sampled_from([None, 8]),
        interp=st.sampled_from(["NEAREST", "LINEAR", "CUBIC", "AREA", "LANCZOS4", "RANDOM"]),
    ),
    st.builds(T.ResizeStepScaling, st.just(0.5), st.just(2.0), st.sampled_from([0.0, 0.25])),
    st.builds(T.RandomScaleAspect, st.sampled_from([0.0, 0.1, 0.5]), st.sampled_from([0.33, 1.0])),
    st.builds(T.RandomPaddingCrop, sizes_wh, category_max_ratio=st.sampled_from([0.75, 1.0])),
    st.builds(T.RandomHorizontalFlip, st.sampled_from([0.5, 1.0])),
    st.builds(T.RandomVerticalFlip, st.sampled_from([0.5, 1.0])),
    st.builds(T.ResizeByLong, sides),
    st.builds(T.ResizeByShort, st.one_of(sides, st.just((8, 20, 33))), st.sampled_from([1e10, 50])),
    st.builds(T.LimitLong, st.sampled_from([None, 30]), st.sampled_from([None, 20])),
    st.builds(T.LimitShort, st.sampled_from([None, 30]), st.sampled_from([None, 2])),
    st.just(T.ResizeRangeScaling(10, 50)),
    st.builds(T.PaddingByAspectRatio, st.sampled_from([0.7, 1, 1.5]), st.sampled_from([0, 127.5])),
    st.builds(T.RandomCenterCrop, st.tuples(st.floats(0, 1), st.floats(0, 1))),
    st.builds(T.ScalePadding, sizes_wh),
    st.builds(T.RandomRotation, st.sampled_from([0, 15, 180])),
    st.builds(T.RandomAffine, sizes_wh, st.sampled_from([0, 5.0])),
)
COLOUR = st.one_of(
    st.builds(
        T.RandomDistort, sharpness_prob=st.sampled_from([0.0, 1.0]), hue_prob=st.just(1.0), contrast_prob=st.just(1.0)
    ),
    st.builds(T.RandomBlur, st.sampled_from([0.5, 1.0]), st.sampled_from(["gaussian", "median", "blur", "random"])),
    st.builds(T.RandomNoise, st.sampled_from([0.5, 1.0]), st.sampled_from([0.0, 30.0])),
)


@st.composite
def samples(draw, channels=(1, 3)):
    rng = np.random.default_rng(draw(seeds))
    height, width, depth = draw(sides), draw(sides), draw(st.sampled_from(channels))
    image = rng.integers(0, 256, (height, width, depth)).astype(draw(st.sampled_from([np.uint8, np.float32])))
    label = rng.choice(np.array([0, 1, 4, 255], np.uint8), (height, width)) if draw(st.booleans()) else None
    for array in (image, label):
        if array is not None:
            array.setflags(write=False)
    return Sample(image, label)


def apply_all(transforms, sample, seed):
    rng = np.random.default_rng(seed)
    for transform in transforms:
        sample = transform(sample, rng)
    return sample


# Padding refuses larger images, so it comes first, while all are small enough.
chains = st.tuples(
    st.sampled_from([[], [T.Padding((48, 40))]]), st.lists(st.one_of(GEOMETRIC, COLOUR), max_size=4)
).map(lambda parts: parts[0] + parts[1])


@settings(deadline=None)
@given(chains, samples(), seeds)
def test_image_and_label_keep_size_type_and_ids(transforms, sample, seed):
    before = sample.image.copy()
    after = apply_all(transforms, sample, seed)
    assert after.image.dtype == sample.image.dtype
    assert after.image.ndim == 3
    assert after.image.shape[2] == sample.image.shape[2]
    assert (after.label is None) == (sample.label is None)
    if after.label is not None:
        assert after.label.shape == after.image.shape[:2]
        assert after.label.dtype == np.uint8
        assert set(np.unique(after.label)) <= {*np.unique(sample.label), 255}
    np.testing.assert_array_equal(sample.image, before)


@settings(deadline=None)
@given(chains, samples(), seeds)
def test_same_seed_gives_the_same_sample(transforms, sample, seed):
    one, two = (apply_all(transforms, sample, seed) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.label, two.label)
    assert one.geometry == two.geometry


@settings(deadline=None)
@given(GEOMETRIC, samples(), seeds)
def test_a_label_does_not_change_what_happens_to_the_image(transform, sample, seed):
    if getattr(transform, "category_max_ratio", 1) < 1:
        return  # this one asks the label
    with_label = apply_all([transform], sample, seed)
    without = apply_all([transform], Sample(sample.image), seed)
    np.testing.assert_array_equal(with_label.image, without.image)


@settings(deadline=None)
@given(GEOMETRIC, samples(), seeds)
def test_a_boundary_map_moves_with_the_label(transform, sample, seed):
    if sample.label is None:
        return
    edge = np.minimum(sample.label, 1)  # anything that tells where its pixels are
    after = apply_all([transform], replace(sample, edge=edge), seed)
    expected = apply_all([transform], replace(sample, label=edge), seed)
    if getattr(transform, "category_max_ratio", 1) == 1:
        np.testing.assert_array_equal(after.edge, expected.label)
    assert after.edge.shape == after.label.shape


@settings(deadline=None)
@given(samples(), sizes_wh, seeds)
def test_crop_has_its_size_and_shows_a_part_of_the_image(sample, size, seed):
    crop = apply_all([T.RandomPaddingCrop(size, im_padding_value=0)], sample, seed)
    assert Size.of(crop.image) == Size.from_wh(size)
    if len(crop.geometry) == 1 and hasattr(crop.geometry[0], "top"):
        step = crop.geometry[0]
        height, width = (min(a, b) for a, b in zip(Size.of(crop.image), Size.of(sample.image), strict=True))
        part = sample.image[step.top : step.top + height, step.left : step.left + width]
        np.testing.assert_array_equal(crop.image[:height, :width], part)


@settings(deadline=None)
@given(samples(), sizes_wh, st.integers(1, 32))
def test_keep_ratio_fits_and_divisor_divides(sample, size, divisor):
    before = Size.of(sample.image)
    fitted = T.Resize(size, keep_ratio=True).size_for(before)
    assert max(fitted) <= max(size)
    assert min(fitted) <= min(size)
    assert not [side for side in T.Resize(size, size_divisor=divisor).size_for(before) if side % divisor]


@settings(deadline=None)
@given(samples(channels=(1, 2, 3, 7)), st.sampled_from([0.0, 0.25, 0.485]), st.sampled_from([0.1, 0.229, 1.0]))
def test_normalize_follows_its_formula(sample, mean, std):
    image = T.Normalize((mean,), (std,))(sample, np.random.default_rng(0)).image
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, (sample.image.astype(np.float64) / 255 - mean) / std, rtol=0, atol=1e-6)


def test_normalize_knows_its_channels():
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    result = T.Normalize(mean.tolist(), std.tolist())(Sample(image), np.random.default_rng(0)).image
    np.testing.assert_allclose(result, (image / 255 - mean) / std, rtol=0, atol=1e-6)


def test_padding_rounds_half_a_value_for_bytes_only():
    image = np.zeros((1, 1, 3), np.uint8)
    padding = T.Padding((2, 1))
    rng = np.random.default_rng(0)
    assert padding(Sample(image), rng).image[0, 1].tolist() == [128] * 3
    assert padding(Sample(image.astype(np.float32)), rng).image[0, 1].tolist() == [127.5] * 3
    coloured = T.Padding((2, 1), im_padding_value=(1.0, 2.0, 3.0))
    assert coloured(Sample(image), rng).image[0, 1].tolist() == [1, 2, 3]


def test_crop_looks_for_a_window_without_a_dominant_class():
    label = np.zeros((64, 64), np.uint8)
    label[:, 48:] = 1
    sample = Sample(np.zeros((64, 64, 3), np.uint8), label)
    crop = T.RandomPaddingCrop((16, 16), category_max_ratio=0.9, loop_times=200)
    shares = [np.bincount(crop(sample, np.random.default_rng(seed)).label.ravel()).max() / 256 for seed in range(20)]
    assert max(shares) < 0.9


def test_crop_of_wide_ids_looks_for_classes_too():
    label = np.zeros((64, 64), np.int32)
    label[:, 48:] = 70_000
    sample = Sample(np.zeros((64, 64, 3), np.uint8), label)
    crop = T.RandomPaddingCrop((16, 16), category_max_ratio=0.9, loop_times=200)
    assert len(np.unique(crop(sample, np.random.default_rng(0)).label)) == 2


def test_step_scaling_offers_its_whole_range():
    assert T.ResizeStepScaling(0.5, 2.0, 0.25).factors.tolist() == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert T.ResizeStepScaling(0.5, 0.7, 0.1).factors.tolist() == pytest.approx([0.5, 0.6, 0.7])
    assert T.ResizeStepScaling(0.5, 2.0, 0).factors is None


def test_r21_extreme_shapes_survive():
    sample = Sample(np.zeros((3, 5000, 3), np.uint8), np.zeros((3, 5000), np.uint8))
    rng = np.random.default_rng(0)
    assert T.Resize((512, 512), keep_ratio=True)(sample, rng).image.shape == (1, 512, 3)
    assert T.ResizeStepScaling(0.1, 0.1)(sample, rng).image.shape == (1, 500, 3)
    one = Sample(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8))
    assert T.RandomPaddingCrop((4, 2))(one, rng).label.tolist() == [[0, 255, 255, 255], [255] * 4]


def test_scale_aspect_stretches_a_smaller_window_over_the_image():
    rows, columns = np.mgrid[0:60, 0:80].astype(np.float32)
    sample = Sample(np.stack([rows, columns, rows], axis=2), (columns // 2).astype(np.uint8))
    transform = T.RandomScaleAspect(0.5, 0.5)
    for seed in range(20):
        after = transform(sample, np.random.default_rng(seed))
        crop, resized = after.geometry
        window = sample.image[crop.top : crop.top + resized.before.height, crop.left : crop.left + resized.before.width]
        assert Size.of(window) == resized.before
        assert window.shape[0] * window.shape[1] >= 0.45 * 60 * 80
        assert after.image.shape == sample.image.shape
        assert after.image.min(axis=(0, 1)) == pytest.approx(window.min(axis=(0, 1)), abs=1e-3)
        assert after.image.max(axis=(0, 1)) == pytest.approx(window.max(axis=(0, 1)), abs=1e-3)
        np.testing.assert_allclose(after.label, after.image[:, :, 1] // 2, atol=1)


@pytest.mark.parametrize("transform", [T.RandomScaleAspect(0), T.RandomScaleAspect(0.5, 0), T.RandomScaleAspect(1.0)])
def test_scale_aspect_leaves_alone_what_it_cannot_or_shall_not_cut(transform):
    sample = Sample(np.zeros((4, 4, 3), np.uint8))
    assert transform(sample, np.random.default_rng(0)) is sample


def test_distortion_hits_each_property_and_respects_bounds():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    off = {f"{name}_prob": 0.0 for name in ("brightness", "contrast", "saturation", "hue", "sharpness")}
    rng = np.random.default_rng(0)
    assert T.RandomDistort(**off)(Sample(image), rng).image is image
    for name in ("brightness", "contrast", "saturation", "hue", "sharpness"):
        assert not np.array_equal(T.RandomDistort(**{**off, f"{name}_prob": 1.0})(Sample(image), rng).image, image)
    overshoot = Sample(np.full((2, 2, 3), 300, np.float32))
    assert T.RandomDistort(0.0, **{**off, "brightness_prob": 1.0})(overshoot, rng).image.max() == 255
