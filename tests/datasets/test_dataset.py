"""Reading, checking and transforming pairs."""

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import segwright.transforms as T
from segwright.datasets import Dataset, SegmentationDataset
from segwright.datasets.label_check import LabelCheck
from segwright.errors import ConfigError, DataError
from segwright.registry import DATASETS
from segwright.types import Flipped

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
LABEL = (np.arange(48).reshape(6, 8) % 3).astype(np.uint8)
LABEL[0, 0] = 255


class Noise:
    """Adds a random number to the picture; flips picture and label."""

    def __call__(self, sample, rng):
        image = sample.image + np.asarray(rng.integers(0, 9), sample.image.dtype)
        return sample.moved(image[:, ::-1], lambda label: label[:, ::-1], Flipped("horizontal"))


@pytest.fixture
def root(tmp_path) -> Path:
    for i in range(3):
        Image.fromarray(IMAGE).save(tmp_path / f"{i}.png")
        Image.fromarray(LABEL).save(tmp_path / f"{i}_label.png")
    (tmp_path / "train.txt").write_text("".join(f"{i}.png {i}_label.png\n" for i in range(3)))
    (tmp_path / "test.txt").write_text("0.png\n1.png 1_label.png\n")
    return tmp_path


def dataset(root: Path, mode="train", transforms=(), **options) -> Dataset:
    lists = {"train_path": "train.txt", "val_path": "train.txt", "test_path": "test.txt"}
    return Dataset(
        **{
            "transforms": list(transforms),
            "dataset_root": str(root),
            "num_classes": 3,
            "mode": mode,
            **lists,
            **options,
        }
    )


def with_label(root: Path, label: np.ndarray, **options) -> Dataset:
    Image.fromarray(label).save(root / "0_label.png")
    return dataset(root, **options)


def test_items_are_what_the_model_takes(root):
    data = dataset(root)
    assert len(data) == 3
    image, label = data[1]
    assert (image.dtype, image.shape, image.flags.c_contiguous) == (np.float32, (3, 6, 8), True)
    assert (label.dtype, label.shape) == (np.int64, (6, 8))
    np.testing.assert_array_equal(image, IMAGE.transpose(2, 0, 1))
    np.testing.assert_array_equal(label, LABEL)
    assert DATASETS["Dataset"] is Dataset
    assert isinstance(data, SegmentationDataset)
    assert len(list(data)) == 3


def test_compose_and_list_are_both_taken(root):
    compose = T.Compose([T.Normalize()], to_rgb=False)
    assert dataset(root, transforms=[T.Normalize()])[0][0].min() >= -1
    data = Dataset(compose, root, 3, train_path="train.txt")
    assert data.transforms is compose
    np.testing.assert_allclose(data[0][0], (IMAGE[:, :, ::-1] / 127.5 - 1).transpose(2, 0, 1), atol=1e-6)
    assert dataset(root, img_channels=1)[0][0].shape == (1, 6, 8)


def test_randomness_comes_from_the_seed_alone(root):
    data = dataset(root, transforms=[Noise()])
    assert len({data.item(0, seed)[0].sum() for seed in range(20)}) > 1
    for seed in range(5):
        np.testing.assert_array_equal(data.item(0, seed)[0], data.item(0, seed)[0])
    np.testing.assert_array_equal(data[0][0], data.item(0, seed=0)[0])
    again = pickle.loads(pickle.dumps(data))  # as worker processes get it
    np.testing.assert_array_equal(again.item(2, 7)[0], data.item(2, 7)[0])


def test_training_transforms_the_label_and_evaluation_does_not(root):
    rng = np.random.default_rng(0)
    train = dataset(root, transforms=[Noise()]).sample(0, rng)
    assert train.image.dtype == np.uint8
    np.testing.assert_array_equal(train.label, LABEL[:, ::-1])
    val = dataset(root, "val", transforms=[Noise()]).sample(0, rng)
    assert val.image.dtype == np.float32
    assert val.geometry == (Flipped("horizontal"),)
    np.testing.assert_array_equal(val.label, LABEL)


def test_test_mode_takes_pictures_without_labels(root):
    data = dataset(root, "test")
    assert data[0][1] is None
    np.testing.assert_array_equal(data[1][1], LABEL)


def test_edge_adds_a_boundary_map_in_training(root):
    image, label, edge = dataset(root, edge=True)[0]
    assert (edge.shape, edge.dtype) == ((1, 6, 8), np.uint8)
    assert set(np.unique(edge)) <= {0, 1}
    assert image.shape[1:] == label.shape
    assert len(dataset(root, "val", edge=True)[0]) == 2


def test_a_boundary_map_has_one_maker(root):
    image, _, edge = dataset(root, transforms=[T.AddEdgeLabel(), T.Resize((20, 30)), T.Normalize()])[0]
    assert edge.shape == (1, *image.shape[1:])
    assert dataset(root, transforms=[T.AddEdgeLabel()]).edge
    assert len(dataset(root, "val", transforms=[T.AddEdgeLabel()])[0]) == 2
    with pytest.raises(ConfigError, match="two boundary maps where one is wanted"):
        dataset(root, transforms=[T.AddEdgeLabel()], edge=True)


def test_chance_in_evaluation_is_warned_of_and_rotation_refused(root, caplog):
    dataset(root, "val", transforms=[T.ResizeStepScaling(0.5, 0.5, 0), T.Resize(), T.Normalize()])
    assert not caplog.records
    dataset(root, transforms=[T.RandomRotation(), T.RandomBlur()])
    assert not caplog.records
    dataset(root, "val", transforms=[T.ResizeStepScaling(), T.RandomBlur(), T.Normalize()])
    assert [record.args for record in caplog.records] == [("ResizeStepScaling",), ("RandomBlur",)]
    with pytest.raises(ConfigError, match="RandomAffine is for training only"):
        dataset(root, "test", transforms=[T.RandomAffine()])


def test_r5_16_bit_pictures_need_a_declared_depth(root):
    Image.fromarray(np.full((6, 8), 4095, np.uint16)).save(root / "0.png")
    with pytest.raises(DataError, match=r"0\.png.*declare bit_depth"):
        dataset(root)[0]
    assert (dataset(root, bit_depth=12)[0][0] == 255).all()


@pytest.mark.parametrize("mode", ["train", "val"])
def test_r12_label_of_another_size_is_an_error_naming_both(root, mode):
    with pytest.raises(DataError, match=r"0\.png is 8x6, but its label map .*0_label\.png is 8x5 .*at the size of the"):
        with_label(root, LABEL[:5], mode=mode)[0]


def test_r12_transposed_label_is_named_as_such(root):
    with pytest.raises(DataError, match=r"8x6.*6x8.*width and height are swapped: transpose"):
        with_label(root, np.ascontiguousarray(LABEL.T))[0]


def test_r9_exif_turned_picture_is_not_forced_onto_its_label(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(IMAGE).save(root / "0.png", exif=exif.tobytes())
    with pytest.raises(DataError, match=r"is 6x8, but its label map .* is 8x6 .*EXIF orientation 6"):
        dataset(root)[0]


@pytest.mark.parametrize(
    ("values", "num_classes", "ignore_index", "ids", "cause"),
    [
        ([0, 200], 2, 255, "holds 200,", "a mask that shows one class as 200: save that class as 1"),
        ([0, 255], 2, 254, "holds 255,", "a mask that shows one class as 255"),
        ([0, 1, 255], 2, 254, "holds 255,", "set ignore_index to 255"),
        ([0, 1, 2], 2, 255, "holds 2,", "ids start at 1 instead of 0, or num_classes should be 3"),
        ([0, 1, 7, 11], 5, 255, "holds 7, 11,", "num_classes may be too small (at least 12"),
        (list(range(40)), 5, 255, "holds 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 25 more,", "JPEG or smooth resizing"),
        ([0, 1, -3], 5, 255, "holds -3,", "ids below 0"),
        ([0, 1, 70000], 2, 255, "holds 70000,", "num_classes may be too small"),
    ],
)
def test_r13_impossible_ids_are_named_with_the_likely_cause(values, num_classes, ignore_index, ids, cause):
    label = np.zeros((9, 9))
    label.ravel()[30 : 30 + len(values)] = values
    label = label.astype(np.uint8 if min(values) >= 0 and max(values) <= 255 else np.int32)
    with pytest.raises(DataError) as error:
        LabelCheck(num_classes, ignore_index)(label, "x.png")
    message = str(error.value)
    assert message.startswith(f"x.png {ids}")
    assert cause in message
    first = (
        next(i for i, value in enumerate(values) if (value >= num_classes and value != ignore_index) or value < 0) + 30
    )
    assert f"first at row {first // 9}, column {first % 9}," in message


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_r13_all_allowed_ids_pass(dtype):
    LabelCheck(19, 255)(np.array([[*range(19), 255]], dtype), "x.png")
    LabelCheck(300, -1)(np.array([[0, 255, 299, -1]], np.int32), "x.png")
    LabelCheck(256, 255)(np.array([[0, 255]], np.uint8), "x.png")


@pytest.mark.parametrize("mode", ["train", "val"])
def test_r13_ids_are_checked_when_read(root, mode):
    bad = LABEL.copy()
    bad[2, 3] = 9
    with pytest.raises(DataError, match=r"0_label\.png holds 9, first at row 2, column 3"):
        with_label(root, bad, mode=mode)[0]


def test_num_classes_1_is_refused(root):
    with pytest.raises(ConfigError, match="num_classes is 1, but background counts as a class"):
        dataset(root, num_classes=1)


def test_r11_0_255_masks_are_refused_before_training(root):
    for i in range(3):
        Image.fromarray(np.where(LABEL == 1, 255, 0).astype(np.uint8)).save(root / f"{i}_label.png")
    with pytest.raises(DataError, match=r"nothing but 0, 255.*255 is ignore_index.*save it as 1"):
        dataset(root, num_classes=2).label_survey()
    Image.fromarray(LABEL % 2).save(root / "2_label.png")  # one good label, overlooked by a short survey
    assert dataset(root, num_classes=2).label_survey(limit=1).num_files == 3


def test_r15_classes_that_never_occur_are_named(root, caplog):
    with caplog.at_level(logging.WARNING):
        survey = dataset(root, num_classes=5, class_names=["a", "b", "c", "dog", "cat"]).label_survey()
    assert survey.num_files == 3
    assert survey.files_with == {0: 3, 1: 3, 2: 3, 255: 3}
    assert survey.absent == (3, 4)
    assert "none of the 3 label maps looked at, of 3 for mode train, holds these classes: dog, cat" in caplog.text
    assert dataset(root, "test").label_survey(limit=2).num_files == 1


def test_arguments_that_contradict_each_other(root):
    with pytest.raises(ConfigError, match="class_names has 2 entries, but num_classes is 3"):
        dataset(root, class_names=["a", "b"])
    with pytest.raises(ConfigError, match=r"mode 'trian'.*did you mean 'train'"):
        dataset(root, "trian")
    with pytest.raises(ConfigError, match="mode val needs val_path"):
        dataset(root, "val", val_path=None)
    with pytest.raises(ConfigError, match="separator is empty"):
        dataset(root, separator="")


def test_missing_folder_and_list_say_where_was_looked(root, tmp_path_factory, monkeypatch):
    with pytest.raises(DataError, match=r"dataset_root .*gone is no folder .*want a folder that holds"):
        dataset(root / "gone")
    with pytest.raises(DataError, match=r"train_path gone\.txt is neither below .* nor below"):
        dataset(root, train_path="gone.txt")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    Path("train.txt").write_text("2.png 2_label.png\n")
    assert len(dataset(root)) == 1  # beside us before beside the data


def test_r1_damaged_picture_is_named(root):
    (root / "0.png").write_bytes((root / "0.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"0\.png"):
        dataset(root)[0]
