"""Folder layouts of well-known data sets."""

import numpy as np
import pytest
import samples
from PIL import Image

from segwright.datasets import (
    ADE20K,
    CHASEDB1,
    DRIVE,
    EG1800,
    HRF,
    STARE,
    SUPERVISELY,
    CamVid,
    Cityscapes,
    CocoStuff,
    MiniDeepGlobeRoadExtraction,
    OpticDiscSeg,
    PascalContext,
    PascalVOC,
    PPHumanSeg14K,
)
from segwright.datasets.camvid import CLASSES as CAMVID_CLASSES
from segwright.datasets.coco_stuff import PUBLISHED
from segwright.errors import ConfigError, DataError
from segwright.transforms import Normalize, Padding, RandomHorizontalFlip


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


LISTED = [CHASEDB1, DRIVE, HRF, STARE, CamVid, MiniDeepGlobeRoadExtraction, OpticDiscSeg, PPHumanSeg14K]


@pytest.mark.parametrize("kind", LISTED)
def test_list_data_sets(tmp_path, monkeypatch, kind):
    samples.make_listed(tmp_path, kind.lists, kind.separator, kind.num_classes)
    monkeypatch.chdir(tmp_path.parent)
    for mode in kind.lists:
        data = kind(transforms=[], dataset_root=tmp_path.name, mode=mode)
        assert set(np.unique(data[0][1])) == {*range(kind.num_classes), 255}
    assert len(kind([], tmp_path, edge=True)[0]) == 3
    (tmp_path / kind.lists["val"]).unlink()
    with pytest.raises(DataError, match=kind.lists["val"]):
        kind([], tmp_path, mode="val")


@pytest.mark.parametrize("kind", [kind for kind in LISTED if "test" in kind.lists])
def test_lists_for_tests_may_name_pictures_alone(tmp_path, kind):
    samples.make_listed(tmp_path, kind.lists, kind.separator, kind.num_classes)
    samples.text(tmp_path / kind.lists["test"], "images/a.jpg")
    assert kind([], tmp_path, mode="test")[0][1] is None


@pytest.mark.parametrize("kind", [DRIVE, MiniDeepGlobeRoadExtraction])
def test_a_mode_without_a_list_is_named(tmp_path, kind):
    with pytest.raises(ConfigError, match="mode 'test' is none of train and val"):
        kind([], tmp_path, mode="test")


@pytest.mark.parametrize("kind", [CamVid, PPHumanSeg14K, PascalContext])
def test_what_cannot_be_downloaded_shows_the_layout(tmp_path, kind):
    with pytest.raises(DataError, match=r"gone is no folder .*train"):
        kind([], tmp_path / "gone")
    with pytest.raises(DataError, match=r"dataset_root is not given.*train"):
        kind([])


@pytest.mark.parametrize(
    ("mode", "names"),
    [("train", ["one"]), ("val", ["two"]), ("trainval", ["one", "two"]), ("trainaug", ["one", "more"])],
)
def test_pascal_voc_modes(tmp_path, mode, names):
    data = PascalVOC([], samples.make_voc(tmp_path), mode=mode)
    assert [pair.image.stem for pair in data.pairs] == names
    assert data.mode == ("val" if mode == "val" else "train")
    assert set(np.unique(data[0][1])) == {0, 15, 20, 255}  # palette indices, the border too
    assert (data.class_names[15], data.palette[15], data.palette[1]) == ("person", (192, 128, 128), (128, 0, 0))
    if mode == "trainaug":
        assert set(np.unique(data[1][1])) == {0, 7}


def test_pascal_voc_says_what_is_missing(tmp_path):
    voc = samples.make_voc(tmp_path) / "VOC2012"
    (voc / "ImageSets" / "Segmentation" / "aug.txt").unlink()
    with pytest.raises(DataError, match=r"no ImageSets/Segmentation/aug\.txt: mode trainaug wants"):
        PascalVOC([], tmp_path, mode="trainaug")
    (voc / "SegmentationClass" / "two.png").unlink()
    with pytest.raises(DataError, match=r"val\.txt: 1 of 1 label maps do not exist: .*two\.png"):
        PascalVOC([], tmp_path, mode="val")
    with pytest.raises(ConfigError, match="mode 'test' is none of train, trainval, trainaug and val"):
        PascalVOC([], tmp_path, mode="test")
    with pytest.raises(DataError, match=r"train\.txt does not exist; want VOCdevkit/"):
        PascalVOC([], voc)


def test_pascal_context(tmp_path):
    for mode in ("train", "trainval", "val"):
        data = PascalContext([], samples.make_context(tmp_path), mode=mode, edge=True)
        assert set(np.unique(data[0][1])) == {0, 59, 255}
        assert data.mode == ("val" if mode == "val" else "train")
    assert (len(data.class_names), data.class_names[0], data.class_names[59]) == (60, "background", "wood")


@pytest.mark.parametrize("mode", ["train", "val"])
def test_ade20k_shifts_its_ids_in_training_and_evaluation(tmp_path, mode):
    data = ADE20K([], samples.make_ade(tmp_path, 0, 1, 2, 150), mode=mode, edge=True)
    assert [pair.image.name for pair in data.pairs] == ["ADE_1.jpg", "ADE_2.jpg"]
    assert data[0][1][0].tolist() == [255] * 3 + [0] * 3 + [1] * 3 + [149] * 3
    assert data.load_label(0).dtype == np.uint8
    assert data.label_survey().files_with == {0: 2, 1: 2, 149: 2, 255: 2}
    assert len(data[0]) == (3 if mode == "train" else 2)


def test_ade20k_names_and_colours():
    assert len(set(ADE20K.class_names)) == len(ADE20K.palette) == 150
    assert (ADE20K.class_names[20], ADE20K.palette[20]) == ("car", (0, 102, 200))


def test_ade20k_with_other_ids_says_what_is_expected(tmp_path):
    data = ADE20K([], samples.make_ade(tmp_path, 0, 5, 151, 255))
    with pytest.raises(
        DataError, match=r"holds 151, 255, first at row 0, column 6, but .* hold 0 to 150; give the label"
    ):
        data[0]
    Image.fromarray(np.full((samples.HEIGHT, samples.WIDTH), 300, np.uint16)).save(data.pairs[0].label)
    with pytest.raises(DataError, match="holds 300"):
        data[0]


def test_ade20k_without_a_label_map_says_which(tmp_path):
    (samples.make_ade(tmp_path, 0, 1) / "annotations" / "validation" / "ADE_1.png").unlink()
    with pytest.raises(DataError, match=r"1 of 2 label maps do not exist: .*ADE_1\.png; want ADEChallengeData2016/"):
        ADE20K([], tmp_path, mode="val")


@pytest.mark.parametrize(
    ("stored", "read"),
    [((0, 170, 255, 11), [0, 170, 255, 11]), ((0, 181, 255, 12), [0, 170, 255, 11]), ((0, 5, 6, 7), [0, 5, 6, 7])],
    ids=["converted", "published", "either"],
)
def test_coco_stuff_reads_converted_and_published_numbers(tmp_path, stored, read):
    data = CocoStuff([], samples.make_coco(tmp_path, *stored), edge=True)
    assert data[1][1][0, ::3].tolist() == read
    assert (len(data[0]), len(data.class_names), data.class_names[170]) == (3, 171, "wood")


def test_coco_stuff_s_own_numbers():
    known = {0: "person", 10: "fire hydrant", 12: "stop sign", 89: "toothbrush", 91: "banner"}
    known |= {123: "grass", 156: "sky-other", 168: "tree", 181: "wood"}  # one less than in COCO-Stuff's list of labels
    assert {number: CocoStuff.class_names[PUBLISHED[number]] for number in known} == known


def test_coco_stuff_does_not_take_numbers_of_both_kinds(tmp_path):
    with pytest.raises(DataError, match="holds 180"):
        CocoStuff([], samples.make_coco(tmp_path, 11, 180), mode="val")[1]
    samples.make_coco(tmp_path, 12, 180)
    samples.label_map(tmp_path / "annotations" / "val2017" / "01.png", 3, 172)
    samples.label_map(tmp_path / "annotations" / "val2017" / "02.png", 11)
    with pytest.raises(DataError, match=r"holds 11, .*hold 0 to 10, 12 to 24, .* and 255"):
        CocoStuff([], tmp_path, mode="val")[1]


PORTRAITS = {EG1800: (samples.make_eg1800, [0, 1, 0, 0]), SUPERVISELY: (samples.make_supervisely, [0, 1, 1, 1])}


@pytest.mark.parametrize("kind", PORTRAITS)
def test_portraits(tmp_path, kind):
    make, classes = PORTRAITS[kind]
    normalize = [Normalize(mean=(0, 0, 0), std=(1, 1, 1))]
    val = kind(normalize, None, None, make(tmp_path), mode="val")
    image, label = val[0]
    assert label[0, 1::3].tolist() == classes
    assert image[:, 0, 0] * 255 == pytest.approx([50, 100, 200], abs=3)  # blue first
    train = kind([RandomHorizontalFlip(prob=1)], normalize, None, tmp_path, edge=True)
    image, label, edge = train[0]
    assert label[0, 1::3].tolist() == classes[::-1]
    assert image.shape == (3, *label.shape) == (3, *edge.shape[1:])
    assert val.pairs != train.pairs


def test_portrait_masks_are_smoothed_in_training_only(tmp_path):
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 1
    mask[1, 14] = 1  # a speck
    mask[8, 8] = 0  # a hole
    samples.make_eg1800(tmp_path)
    for name in ("1.png", "2.png"):
        samples.picture(tmp_path / "Images" / name, size=(16, 16))
        Image.fromarray(mask).save(tmp_path / "Labels" / name)
    label = EG1800([], dataset_root=tmp_path)[0][1]
    assert (label[1, 14], label[8, 8], label.sum()) == (0, 1, 52)  # an 8 x 8 square, three pixels less at each corner
    assert (EG1800([], dataset_root=tmp_path, mode="val")[0][1] == mask).all()


def test_portrait_pixels_that_a_transform_made_stay_ignored(tmp_path):
    padding = [Padding(target_size=(20, 20), label_padding_value=255)]
    label = EG1800(padding, dataset_root=samples.make_eg1800(tmp_path))[0][1]
    assert (label[samples.HEIGHT :] == 255).all()
    assert (label[: samples.HEIGHT, : samples.WIDTH] < 2).all()


def test_a_second_view_is_said_to_be_left_out(tmp_path, caplog):
    EG1800([], [], [Normalize()], samples.make_eg1800(tmp_path))
    assert "transforms2 is left out" in caplog.text


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


def test_real_samples_of_other_data_sets_are_read(shared):
    tiny = shared / "data" / "tiny"
    voc = PascalVOC([], tiny / "voc" / "VOCdevkit", mode="trainval")
    assert [set(np.unique(voc[index][1])) for index in range(3)] == [{0, 12, 255}, {0, 2, 255}, {0, 5, 15, 255}]
    ade = ADE20K([], tiny / "ade20k" / "ADEChallengeData2016", mode="val")
    stored = np.array(Image.open(ade.pairs[0].label))
    assert (ade[0][1] == (stored.astype(np.uint8) - 1)).all()  # 0 becomes 255
    coco = CocoStuff([], tiny / "coco" / "coco_stuff")
    stored = np.array(Image.open(coco.pairs[0].label))
    label = coco[0][1]
    assert (label[stored == 16] == 15).all()  # number 11 is not in use
    assert len(CocoStuff([], tiny / "coco" / "coco_stuff", mode="val")) == 4
    names = (tiny / "ade20k" / "ADEChallengeData2016" / "objectInfo150.txt").read_text().splitlines()[1:]
    assert [line.split("\t")[4].split(",")[0].strip() for line in names if line.strip()] == list(ADE20K.class_names)


def test_survey_of_real_labels(shared):
    assert CamVid([], shared / "data" / "camvid").label_survey(limit=16).num_files == 16
    survey = OpticDiscSeg([], shared / "data" / "optic_disc", mode="val").label_survey()
    assert survey.absent == ()
    assert set(np.array(list(survey.files_with))) <= {0, 1, 255}
