"""From files and arrays to a sample."""

import logging
import pickle

import numpy as np
import pytest
from PIL import Image

import segwright.transforms as T
from segwright.errors import ConfigError, DataError


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


@pytest.fixture
def label():
    return np.random.default_rng(1).choice(np.array([0, 1, 255], np.uint8), (12, 16))


def test_nothing_to_do_returns_what_came_in(image, label):
    sample = T.Compose([])(image, label)
    np.testing.assert_array_equal(sample.image, image)
    np.testing.assert_array_equal(sample.label, label)
    assert sample.geometry == ()


def test_files_and_arrays_give_the_same(tmp_path, image, label):
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(label).save(tmp_path / "b.png")
    compose = T.Compose([T.Resize((7, 9)), T.Normalize()])
    read = compose(tmp_path / "a.png", str(tmp_path / "b.png"))
    given = compose(image.astype(np.float32), label)
    np.testing.assert_array_equal(read.image, given.image)
    np.testing.assert_array_equal(read.label, given.label)


def test_a_file_is_float_until_normalized(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.png")
    assert T.Compose([])(tmp_path / "a.png").image.dtype == np.float32


def test_to_rgb_false_gives_bgr(image):
    np.testing.assert_array_equal(T.Compose([], to_rgb=False)(image).image, image[:, :, ::-1])


def test_r4_gray_is_repeated_and_colour_made_gray(image):
    gray = image[:, :, 0]
    np.testing.assert_array_equal(T.Compose([])(gray).image, np.repeat(gray[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(T.Compose([], img_channels=1)(gray).image[:, :, 0], gray)
    made_gray = T.Compose([], img_channels=1)(image).image
    np.testing.assert_allclose(made_gray[:, :, 0], image @ [0.299, 0.587, 0.114], atol=1)


def test_channels_that_cannot_be_made_are_refused(image):
    with pytest.raises(DataError, match="has 3 channels, but img_channels is 4"):
        T.Compose([], img_channels=4)(image)
    with pytest.raises(ConfigError, match="img_channels"):
        T.Compose([], img_channels=0)
    assert T.Compose([], img_channels=4)(np.zeros((2, 2, 4), np.uint8)).image.shape == (2, 2, 4)


def test_seed_and_generator(image, label):
    compose = T.Compose([T.RandomPaddingCrop((8, 8)), T.RandomHorizontalFlip(), T.RandomDistort(), T.Normalize()])
    one, two = compose(image, label, seed=3), compose(image, label, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(one.image, two.image)
    assert one.geometry == two.geometry
    assert len({compose(image, label, seed=seed).image.tobytes() for seed in range(8)}) > 1
    with pytest.raises(ConfigError, match="not both"):
        compose(image, seed=3, rng=np.random.default_rng(3))


def test_r12_label_size_differs_by_one(image, label):
    with pytest.raises(DataError) as error:
        T.Compose([])(image, label[:, :-1])
    assert "16x12" in str(error.value)
    assert "15x12" in str(error.value)


def test_r12_transposed_label_is_recognised(tmp_path, image, label):
    Image.fromarray(label.T.copy()).save(tmp_path / "turned.png")
    with pytest.raises(DataError, match=r"turned\.png has 12x16; one of them is turned by 90 degrees"):
        T.Compose([])(image, tmp_path / "turned.png")


@pytest.mark.parametrize(
    "wrong", [np.zeros(4, np.uint8), np.zeros((0, 3, 3), np.uint8), np.zeros((4, 4, 3), np.uint16)]
)
def test_arrays_that_are_no_images(wrong):
    with pytest.raises(DataError, match="an image array is"):
        T.Compose([])(wrong)


@pytest.mark.parametrize("wrong", [np.zeros((12, 16, 3), np.uint8), np.zeros((12, 16), np.float32)])
def test_arrays_that_are_no_label_maps(image, wrong):
    with pytest.raises(DataError, match="a label map is"):
        T.Compose([])(image, wrong)


def test_wide_labels_pass_every_transform(image, label):
    wide = label.astype(np.int64)
    sample = T.Compose([T.Resize((40, 30)), T.RandomVerticalFlip(1.0), T.Padding((64, 64))])(image, wide, seed=0)
    assert set(np.unique(sample.label)) <= {0, 1, 255}


def test_doubles_become_single(image):
    assert T.Compose([T.Resize((4, 4))])(image.astype(np.float64)).image.dtype == np.float32


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([T.Normalize], "is the class Normalize; write Normalize"),
        ([{"type": "Normalize"}], "transforms\\[0\\] is not a transform"),
        (T.Normalize(), "is a list of transforms"),
        ("Normalize", "is a list of transforms"),
    ],
)
def test_entries_that_are_no_transforms(entries, words):
    with pytest.raises(ConfigError, match=words):
        T.Compose(entries)


def test_normalize_before_others_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING, logger="segwright"):
        T.Compose([T.Resize(), T.Normalize()])
        assert not caplog.records
        T.Compose([T.Normalize(), T.Resize()])
    assert "Normalize should be the last transform, but Resize follows it" in caplog.text


def test_survives_the_way_to_a_worker_process(image, label):
    compose = T.Compose(
        [T.ResizeStepScaling(), T.RandomPaddingCrop((8, 8)), T.RandomDistort(), T.Padding((9, 9)), T.Normalize()]
    )
    copy = pickle.loads(pickle.dumps(compose))
    np.testing.assert_array_equal(copy(image, label, seed=1).image, compose(image, label, seed=1).image)
