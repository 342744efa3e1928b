"""Pixels of each class, and the weights that follow, by hand."""

import numpy as np
import pytest

from segwright.datasets import ClassBalance, Dataset, count_classes
from segwright.errors import DataError
from segwright.images import default_palette, write_image, write_label_map
from segwright.transforms import Normalize


def write(root, *labels, num_classes: int = 4, **options) -> Dataset:
    """A data set of these label maps."""
    lines = []
    for number, label in enumerate(labels):
        label = np.array(label, np.uint8)
        write_image(root / f"{number}.jpg", np.zeros((*label.shape, 3), np.uint8))
        write_label_map(root / f"{number}.png", label, default_palette(256))
        lines.append(f"{number}.jpg {number}.png\n")
    (root / "train.txt").write_text("".join(lines))
    return Dataset([Normalize()], root, num_classes, train_path="train.txt", **options)


def test_pixels_are_counted_by_hand_and_ignored_ones_nowhere(tmp_path):
    balance = count_classes(write(tmp_path, [[0, 0, 1, 255]], [[0, 2, 2, 2], [2, 255, 255, 255]]))
    assert balance.pixels.tolist() == [3, 1, 4, 0]
    assert balance.surroundings.tolist() == [8, 3, 5, 0]
    assert balance.absent == [3]


def test_another_ignore_index_is_respected(tmp_path):
    balance = count_classes(write(tmp_path, [[0, 1, 1, 2]], num_classes=2, ignore_index=2))
    assert balance.pixels.tolist() == [1, 2]


def test_pictures_are_not_read(tmp_path):
    dataset = write(tmp_path, [[0, 1]])
    (tmp_path / "0.jpg").unlink()
    assert count_classes(dataset).pixels.tolist() == [1, 1, 0, 0]


def test_weights_by_hand():
    balance = ClassBalance(np.array([75, 20, 5, 0]), np.array([100, 40, 100, 0]))
    logarithmic = [1 / np.log(1.77), 1 / np.log(1.22), 1 / np.log(1.07), 1]
    assert balance.logarithmic_weights() == pytest.approx(logarithmic, rel=1e-3)
    assert balance.median_weights() == pytest.approx([0.5 / 0.75, 1, 0.5 / 0.05, 1], rel=1e-3)


def test_balanced_classes_have_equal_weights():
    balance = ClassBalance(np.array([10, 10]), np.array([20, 20]))
    assert balance.median_weights() == [1.0, 1.0]
    assert len(set(balance.logarithmic_weights())) == 1


def test_impossible_ids_and_nothing_to_count_are_errors(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"1\.png holds 7"):
        count_classes(write(tmp_path / "a", [[0, 1]], [[0, 7]]))
    with pytest.raises(DataError, match="hold nothing but 255, which is ignore_index"):
        count_classes(write(tmp_path / "b", [[255, 255]]))
