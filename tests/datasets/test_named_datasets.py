"""Folder layouts of well-known data sets."""

import numpy as np
import pytest
from PIL import Image

from segwright.datasets import CamVid, Cityscapes, OpticDiscSeg
from segwright.datasets.camvid import CLASSES as CAMVID_CLASSES
from segwright.errors import ConfigError, DataError
from segwright.registry import DATASETS


def save(path, value: int, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (6, 4), value).save(path)


@pytest.fixture
def cityscapes(tmp_path):
    for mode in ("train", "val", "test"):
        for city, frame in (("ulm", "ulm_000001_000019"), ("aachen", "aachen_000000_000019")):
            save(tmp_path / "leftImg8bit" / mode / city / f"{frame}_leftImg8bit.png", 0, "RGB")
            save(tmp_path / "gtFine" / mode / city / f"{frame}_gtFine_labelIds.png", 7)
            if mode != "test":
                save(tmp_path / "gtFine" / mode / city / f"{frame}_gtFine_labelTrainIds.png", 18)
    return tmp_path


def test_cityscapes_pairs_by_name(cityscapes):
    data = Cityscapes([], str(cityscapes), mode="val")
    assert [(pair.image.name, pair.label.name) for pair in data.pairs] == [
        ("aachen_000000_000019_leftImg8bit.png", "aachen_000000_000019_gtFine_labelTrainIds.png"),
        ("ulm_000001_000019_leftImg8bit.png", "ulm_000001_000019_gtFine_labelTrainIds.png"),
    ]
    assert (data.num_classes, data.ignore_index, len(data.class_names), len(data.palette)) == (19, 255, 19, 19)
    assert (data.class_names[13], data.palette[13]) == ("car", (0, 0, 142))
    assert (data[0][1] == 18).all()
    assert Cityscapes([], cityscapes, mode="test")[0][1] is None
    assert len(Cityscapes(transforms=[], dataset_root=cityscapes, mode="train", edge=True)[0]) == 3


def test_cityscapes_without_train_ids_says_to_convert(cityscapes):
    next(cityscapes.glob("gtFine/train/ulm/*TrainIds.png")).unlink()
    with pytest.raises(DataError, match=r"1 of 2 pictures have no label map.*labelIds\.png is there.*converted"):
        Cityscapes([], cityscapes)


def test_cityscapes_without_pictures_shows_the_layout(cityscapes, tmp_path_factory):
    with pytest.raises(DataError, match=r"no pictures in .*leftImg8bit.*\*_gtFine_labelTrainIds\.png"):
        Cityscapes([], tmp_path_factory.mktemp("empty"))
    with pytest.raises(DataError, match=r"gone is no folder .*leftImg8bit/"):
        Cityscapes([], cityscapes / "gone")
    with pytest.raises(ConfigError, match="mode 'eval'"):
        Cityscapes([], cityscapes, mode="eval")


@pytest.mark.parametrize(("kind", "lists", "num_classes"), [(OpticDiscSeg, "{}_list.txt", 2), (CamVid, "{}.txt", 11)])
def test_list_data_sets(tmp_path, monkeypatch, kind, lists, num_classes):
    save(tmp_path / "images" / "a.jpg", 0, "RGB")
    save(tmp_path / "labels" / "a.png", num_classes - 1)
    for mode, line in (
        ("train", "images/a.jpg labels/a.png"),
        ("val", "images/a.jpg labels/a.png"),
        ("test", "images/a.jpg"),
    ):
        (tmp_path / lists.format(mode)).write_text(line)
    monkeypatch.chdir(tmp_path.parent)
    for mode in ("train", "val", "test"):
        data = kind(transforms=[], dataset_root=tmp_path.name, mode=mode)
        assert (data.num_classes, len(data.class_names), len(data.palette)) == (num_classes, num_classes, num_classes)
        assert (data[0][1] is None) == (mode == "test")
    assert DATASETS[kind.__name__] is kind
    with pytest.raises(DataError, match=r"is no folder .*train.*\.txt"):
        kind([], "gone")
    (tmp_path / lists.format("val")).unlink()
    with pytest.raises(DataError, match=lists.format("val")):
        kind([], tmp_path, mode="val")


def test_real_folders_open(shared):
    camvid = CamVid([], shared / "data" / "camvid", mode="val")
    assert len(camvid) == 101
    assert camvid[0][0].shape == (3, 360, 480)
    assert len(OpticDiscSeg([], shared / "data" / "optic_disc")) == 50
    with pytest.raises(DataError, match="converted"):
        Cityscapes([], shared / "data" / "tiny" / "cityscapes")
    lines = (shared / "data" / "camvid" / "classes.txt").read_text().splitlines()[1:]
    stated = {name: tuple(map(int, colour)) for _, name, *colour in map(str.split, lines)}
    assert list(stated.items()) == list(CAMVID_CLASSES.items())


def test_survey_of_real_labels(shared):
    assert CamVid([], shared / "data" / "camvid").label_survey(limit=16).num_files == 16
    survey = OpticDiscSeg([], shared / "data" / "optic_disc", mode="val").label_survey()
    assert survey.absent == ()
    assert set(np.array(list(survey.files_with))) <= {0, 1, 255}
