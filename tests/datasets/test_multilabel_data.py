"""Label files in which a pixel may have several labels."""

import logging

import numpy as np
import pytest
from multilabel_data import WHITE, write_pictures
from PIL import Image

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.errors import ConfigError, DataError
from segwright.images import write_label_map


@pytest.fixture
def root(tmp_path):
    return write_pictures(tmp_path)


def dataset(root, mode="train", steps=(), **options) -> Dataset:
    options = {"num_classes": 3, "multilabel": True, **options}
    return Dataset(list(steps), root, mode=mode, train_path="train.txt", val_path="val.txt", **options)


def with_maps(root, stored: np.ndarray, **options) -> Dataset:
    write_label_map(root / "0_maps.png", stored, WHITE)
    return dataset(root, **options)


def test_a_file_is_parted_into_a_map_for_each_class(root):
    image, label = dataset(root).load(0)
    assert label.shape == (24, 32, 3)
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label[1:] == 1, image[1:] > 127)
    assert label[0, 0].tolist() == [255, 0, 0]


def test_items_have_the_maps_first(root):
    image, label = dataset(root, steps=[T.Resize((20, 10)), T.RandomHorizontalFlip(1.0), T.Normalize()])[1]
    assert image.shape == (3, 10, 20)
    assert label.shape == (3, 10, 20)
    assert label.dtype == np.int64
    assert label.flags["C_CONTIGUOUS"]


def test_evaluation_leaves_the_maps_at_their_size(root):
    _, label = dataset(root, "val", [T.Resize((20, 10)), T.Normalize()])[0]
    assert label.shape == (3, 24, 32)


@pytest.mark.parametrize("mode", ["train", "val"])
def test_the_auxiliary_class_is_added_in_training_and_evaluation(root, mode):
    data = dataset(root, mode, [T.AddMultiLabelAuxiliaryCategory(), T.Normalize()], num_classes=4)
    stored, (_, label) = data.load(0)[1], data[0]
    np.testing.assert_array_equal(label[1:], np.moveaxis(stored, -1, 0))
    np.testing.assert_array_equal(label[0] == 1, ~stored.any(axis=2))
    assert data.palette[0] == (0, 0, 0)


def test_a_single_class_needs_no_background(root):
    for number in range(6):
        Image.fromarray(np.eye(24, 32, dtype=np.uint8)).save(root / f"{number}_maps.png")
    data = dataset(root, num_classes=1)
    assert data.load(0)[1].shape == (24, 32, 1)
    assert data[0][1].shape == (1, 24, 32)
    assert data.palette[0] != (0, 0, 0)


@pytest.mark.parametrize(
    ("shape", "num_classes", "words"),
    [
        ((24, 64), 3, ["32x24", "should be 96x24", "is 64x24", "makes 2 maps", "num_classes"]),
        ((24, 96), 4, ["should be 128x24", "makes 3 maps", "AddMultiLabelAuxiliaryCategory"]),
        ((24, 95), 3, ["is 95x24", "write the maps at the size of the picture"]),
        ((25, 96), 3, ["is 96x25", "write the maps at the size of the picture"]),
        ((24, 32), 3, ["a single map, perhaps of class ids; leave out --use_multilabel"]),
    ],
)
def test_r12_files_of_another_size_are_named(root, shape, num_classes, words):
    data = with_maps(root, np.zeros(shape, np.uint8), num_classes=num_classes)
    with pytest.raises(DataError) as error:
        data.load(0)
    for word in ["0.png", "0_maps.png", *words]:
        assert word in str(error.value)


def test_r12_without_the_flag_it_is_named(root):
    with pytest.raises(DataError, match=r"if it holds a map for each class, say --use_multilabel"):
        dataset(root, multilabel=False).load(0)


@pytest.mark.parametrize(
    ("value", "words"),
    [(7, ["holds 7, first at row 2", "hold 0 (no), 1 (yes) or 255", "save yes as 1"]), (300, ["holds 300"])],
)
def test_r13_other_numbers_than_yes_and_no_are_named(root, value, words):
    stored = np.zeros((24, 96), np.uint16)
    stored[2:5, 40:44] = value
    Image.fromarray(stored).save(root / "0_maps.png")
    with pytest.raises(DataError) as error:
        dataset(root).load(0)
    for word in words:
        assert word in str(error.value)


def test_r13_class_ids_are_recognised(root):
    stored = np.arange(24 * 96).reshape(24, 96) % 5
    with pytest.raises(DataError, match=r"holds 2, 3, 4, .* class ids belong into label maps of one label a pixel"):
        with_maps(root, stored).load(0)


def test_r11_maps_of_0_and_255_have_nothing_to_learn(root):
    for number in range(6):
        write_label_map(root / f"{number}_maps.png", 255 * (np.arange(24 * 96).reshape(24, 96) % 2), WHITE)
    with pytest.raises(DataError, match=r"hold nothing but 255, .* save it as 1"):
        dataset(root).label_survey()


def test_a_survey_counts_the_files_of_each_class(root, caplog):
    survey = dataset(root).label_survey()
    assert survey == (4, {0: 4, 1: 4, 2: 4, 255: 4}, ())
    empty = np.zeros((24, 96), np.uint8)
    empty[3, :64] = 1
    for number in range(6):
        write_label_map(root / f"{number}_maps.png", empty, WHITE)
    with caplog.at_level(logging.WARNING):
        data = dataset(root, steps=[T.AddMultiLabelAuxiliaryCategory()], num_classes=4, class_names=list("abcd"))
        assert data.label_survey() == (4, {1: 4, 2: 4}, (3,))
    assert "holds these classes: d" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"edge": True}, "made of one label a pixel"),
        ({"steps": [T.AddEdgeLabel()]}, "made of one label a pixel"),
        ({"ignore_index": 0}, "0 and 1 are the answers"),
        ({"num_classes": 1, "steps": [T.AddMultiLabelAuxiliaryCategory()]}, "leaves no class"),
        ({"steps": [T.AddMultiLabelAuxiliaryCategory()], "multilabel": False}, "--use_multilabel"),
    ],
)
def test_what_does_not_go_together(root, options, words):
    with pytest.raises(ConfigError, match=words):
        dataset(root, **options)
