"""Pictures of predictions during evaluation: which, what they show, and that they harm nothing."""

import numpy as np
import torch
from PIL import Image

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.previews import GAP, LONGEST_SIDE, Previews, side_by_side

PALETTE = [(0, 0, 0), (0, 255, 0), (255, 0, 0)]


def val_set(toy_data) -> Dataset:
    return Dataset([T.Normalize()], toy_data, 2, mode="val", val_path="val.txt")


def show_all(previews: Previews, dataset: Dataset) -> None:
    """What an evaluation does, with a prediction that is class 1 everywhere."""
    for number in range(len(dataset)):
        label = torch.from_numpy(dataset.load_label(number))[None]
        logits = torch.stack([torch.zeros(label.shape), torch.ones(label.shape)], dim=1)
        previews(number, logits, label)


def test_the_same_pictures_come_as_files_and_for_trackers(toy_data, tmp_path):
    dataset = val_set(toy_data)
    previews = Previews(dataset, tmp_path / "iter_000500", count=2)
    show_all(previews, dataset)
    names = ["00000_08", "00002_10"]
    assert [path.stem for path in sorted((tmp_path / "iter_000500").glob("*.png"))] == names
    assert list(previews.images) == [f"Previews/{name}" for name in names]
    stored = np.array(Image.open(tmp_path / "iter_000500" / "00000_08.png"))
    assert np.array_equal(stored, previews.images["Previews/00000_08"])


def test_truth_is_left_and_prediction_right(toy_data, tmp_path):
    dataset = val_set(toy_data)
    previews = Previews(dataset, tmp_path, count=1)
    show_all(previews, dataset)
    (shown,) = previews.images.values()
    image, label = dataset.load(0)
    left, gap, right = np.split(shown, [image.shape[1], image.shape[1] + GAP], axis=1)
    assert np.array_equal(left[label != 1], image[label != 1])
    assert (left[label == 1] != image[label == 1]).any(axis=1).all()
    assert (gap == 255).all()
    assert (right != image).any(axis=2).all()


def test_a_process_shows_only_what_it_evaluates_and_no_more_than_there_is(toy_data, tmp_path):
    dataset = val_set(toy_data)
    previews = Previews(dataset, tmp_path, numbers=range(1, len(dataset), 2), count=9)
    show_all(previews, dataset)
    assert list(previews.images) == ["Previews/00001_09", "Previews/00003_11"]
    show_all(none := Previews(dataset, tmp_path / "none", count=0), dataset)
    assert not none.images
    assert not (tmp_path / "none").exists()


def test_large_pictures_are_made_smaller_and_stay_aligned():
    label = np.zeros((700, 1400), np.int32)
    label[:, 700:] = 1
    shown = side_by_side(np.zeros((700, 1400, 3), np.uint8), label, label, PALETTE)
    assert shown.shape == (256, 2 * LONGEST_SIDE + GAP, 3)
    assert (shown[:, :256] == 0).all()
    assert (shown[:, 256:LONGEST_SIDE, 1] > 0).all()


def test_pixels_with_several_labels_show_them_all():
    image = np.full((8, 8, 3), 100, np.uint8)
    maps = np.zeros((3, 8, 8), np.uint8)
    maps[1, :, :4] = 1
    maps[2, :4] = 255  # ignored
    shown = side_by_side(image, maps, maps == 1, PALETTE)
    assert np.array_equal(shown[:, :8], shown[:, 8 + GAP :])
    assert (shown[:, 4:8] == 100).all()
    assert (shown[2, 1] != 100).any()


def test_r41_a_folder_that_cannot_be_written_does_not_end_the_evaluation(toy_data, tmp_path, caplog):
    (tmp_path / "previews").write_text("a file where the folder should be")
    dataset = val_set(toy_data)
    previews = Previews(dataset, tmp_path / "previews" / "iter_000500")
    show_all(previews, dataset)
    assert len(previews.images) == 1
    (record,) = caplog.records
    assert "training goes on" in record.message
