import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.demo.fundus import draw_fundus, write_dataset
from segwright.images import read_image, read_label
from segwright.types import Size

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(64, 512)


@settings(max_examples=25, deadline=None)
@given(seeds, sides, sides)
def test_any_seed_and_size_gives_a_picture_with_its_label(seed, height, width):
    image, label = draw_fundus(np.random.default_rng(seed), Size(height, width))
    assert image.shape == (height, width, 3)
    assert label.shape == (height, width)
    assert image.dtype == label.dtype == np.uint8
    assert set(np.unique(label)) <= {0, 1}
    assert image.max() > 30  # something is lit


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(128, 320))
def test_the_disc_is_brighter_than_what_surrounds_it(seed, side):
    image, label = draw_fundus(np.random.default_rng(seed), Size(side, side))
    if not label.any():
        return
    green = image[..., 1].astype(float)
    disc_radius = np.sqrt(label.sum() / np.pi)
    reach = 2 * round(0.35 * disc_radius) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    lit = cv2.erode(image.max(axis=2), np.ones((5, 5))) > 4
    ring = (cv2.dilate(label, kernel) > 0) & (label == 0) & lit
    if ring.sum() > 20:
        assert green[label == 1].mean() > green[ring].mean()


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_the_same_seed_gives_the_same_pair(seed):
    first, again = (draw_fundus(np.random.default_rng(seed), Size(96, 128)) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_discs_vary_in_place_and_size_and_some_are_missing():
    labels = [draw_fundus(np.random.default_rng(seed), Size(64, 64))[1] for seed in range(90)]
    areas = np.array([label.sum() for label in labels])
    present = areas > 0
    assert 0.03 < 1 - present.mean() < 0.25
    assert areas[present].max() > 3 * areas[present].min()
    centres = np.array([np.argwhere(label).mean(axis=0) for label in labels if label.any()])
    assert (centres.std(axis=0) > 5).all()


def test_the_data_set_has_the_layout_of_opticdiscseg(tmp_path):
    root = tmp_path / "data"
    write_dataset(root, num_train=3, num_val=2, size=Size(64, 96), seed=1)
    for split, num_pairs in (("train", 3), ("val", 2)):
        lines = (root / f"{split}_list.txt").read_text().splitlines()
        assert len(lines) == num_pairs
        for line in lines:
            image, label = line.split(" ")
            assert image.startswith("JPEGImages/")
            assert label.startswith("Annotations/")
            assert read_image(root / image).shape == (64, 96, 3)
            assert set(np.unique(read_label(root / label))) <= {0, 1}


@pytest.mark.parametrize("other", [{"seed": 2}, {"num_train": 4}])
def test_train_and_val_pictures_depend_on_the_seed_alone(tmp_path, other):
    given_arguments = {"num_train": 2, "num_val": 2, "size": Size(64, 64), "seed": 1}
    write_dataset(tmp_path / "a", **given_arguments)
    write_dataset(tmp_path / "b", **{**given_arguments, **other})
    same = [
        (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        for name in ("JPEGImages/val_000.jpg", "JPEGImages/train_001.jpg", "Annotations/val_001.png")
    ]
    assert all(same) == ("seed" not in other)
    assert (tmp_path / "a/JPEGImages/train_000.jpg").read_bytes() != (
        tmp_path / "a/JPEGImages/val_000.jpg"
    ).read_bytes()


def test_an_older_data_set_is_replaced_whole(tmp_path):
    write_dataset(tmp_path / "data", num_train=3, num_val=1, size=Size(64, 64))
    write_dataset(tmp_path / "data", num_train=1, num_val=1, size=Size(64, 64))
    assert len(list((tmp_path / "data").rglob("*.jpg"))) == 2
