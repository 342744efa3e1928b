"""Which pictures and label maps a folder holds, whatever its layout."""

import json

import numpy as np
import pytest
import starter_layouts as layouts
from starter_layouts import drawn, flat, put

from segwright.errors import DataError
from segwright.images import read_label, write_image
from segwright.starter.find import find
from segwright.starter.folders import IMAGES, LABELS, role_of
from segwright.starter.label_values import look_at_labels
from segwright.starter.mending import names_for

DIVIDED = (
    layouts.nested_by_kind,
    layouts.nested_by_part,
    layouts.glued,
    layouts.underscored,
    layouts.one_name,
    layouts.listed,
    layouts.voc,
)
WHOLE = (layouts.flat, layouts.endings, layouts.beginnings, layouts.beside)


def found(root, convert=None):
    return find(root, convert, num_workers=1)


def agree(pairs) -> bool:
    """Whether each label map is that of its picture, by the numbers in their names."""
    numbers = [tuple("".join(filter(str.isdigit, path.stem)) for path in pair) for pair in pairs]
    return bool(numbers) and all(image == label for image, label in numbers)


@pytest.mark.parametrize("write", DIVIDED, ids=lambda write: write.__name__)
def test_parts_that_are_there_are_kept(write, tmp_path):
    data, values = found(write(tmp_path))
    assert {part: len(pairs) for part, pairs in data.parts.items()} == {"train": 7, "val": 3}
    assert agree(data.pairs)
    assert values.ids == [0, 1, 2]
    assert values.is_complete


@pytest.mark.parametrize("write", WHOLE, ids=lambda write: write.__name__)
def test_data_that_nobody_divided_are_one_part(write, tmp_path):
    data, _ = found(write(tmp_path))
    assert {part: len(pairs) for part, pairs in data.parts.items()} == {"all": 10}
    assert agree(data.pairs)
    assert not data.cautions


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_lists_may_have_another_separator(separator, tmp_path):
    data, _ = found(layouts.listed(tmp_path, separator, "{}.txt"))
    assert data.separator == (" " if separator == "\t" else separator)  # a tab separates anyway
    assert data.lists["val"] == tmp_path / "val.txt"


def test_a_list_that_is_broken_is_told_where_folders_help(tmp_path):
    (flat(tmp_path) / "train.txt").write_text("images/none.png masks/none.png\n", encoding="utf-8")
    data, _ = found(tmp_path)
    assert len(data.pairs) == 10
    assert "none.png" in data.cautions[0]


def test_pictures_without_a_label_map_are_told(tmp_path):
    write_image(flat(tmp_path) / "images" / "alone.png", drawn(50)[0])
    data, _ = found(tmp_path)
    assert len(data.pairs) == 10
    assert "alone.png" in data.cautions[0]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("JPEGImages", (IMAGES, "")),
        ("train_masks", (LABELS, "train")),
        ("valannot", (LABELS, "val")),
        ("Ground Truth", (LABELS, "")),
        ("val2017", ("", "val")),
        ("training", ("", "train")),
        ("imagesTr", None),
        ("notes", None),
    ],
)
def test_names_of_folders_mean_a_kind_and_a_part(name, role):
    assert role_of(name) == role


def test_masks_of_0_and_255_are_told_with_both_commands_and_converted(tmp_path):
    root = flat(tmp_path / "data", change=lambda ids: (ids == 1).astype(np.uint8) * 255)
    with pytest.raises(DataError, match=r"hold 0 and 255.*segwright init .*data --convert .*data_labels .*--ids 255:1"):
        found(root)
    data, values = found(root, tmp_path / "new")
    assert values.ids == [0, 1]
    first = next(pair for pair in data.pairs if pair.image.stem == "3")
    assert first.image.parent == root / "images"
    assert np.array_equal(read_label(first.label), (drawn(3)[1] == 1).astype(np.uint8))
    assert look_at_labels([root / "masks" / "3.png"], num_threads=1).pixels[255]  # as it was


def test_usable_label_maps_are_preferred_to_masks(tmp_path):
    flat(tmp_path, change=lambda ids: ids * 120)
    for number in range(10):
        put(tmp_path / "images" / f"{number}.png", tmp_path / "labels" / f"{number}.png", number)
    data, _ = found(tmp_path)
    assert {pair.label.parent.name for pair in data.pairs} == {"labels"}


def test_ids_with_gaps_are_numbered_anew(tmp_path):
    root = flat(tmp_path / "data", change=lambda ids: np.array([0, 38, 113], np.uint8)[ids])
    with pytest.raises(DataError, match=r"3 classes with gaps.*--ids 38:1 113:2"):
        found(root)
    _, values = found(root, tmp_path / "new")
    assert values.ids == [0, 1, 2]


COLOURS = np.array([(10, 10, 10), (200, 30, 30), (30, 200, 30)], np.uint8)


@pytest.mark.parametrize("told", [True, False])
def test_colours_become_ids_as_a_table_says_or_in_order(told, tmp_path):
    root = tmp_path / "data"
    for number in range(5):
        image, ids = drawn(number)
        write_image(root / "images" / f"{number}.png", image)
        write_image(root / "masks" / f"{number}.png", COLOURS[ids])
    if told:
        table = "2 10 10 10 ground\n0 200 30 30 disc\n1 30 200 30 bar\n"
        (root / "labelmap.txt").write_text(table, encoding="utf-8")
    with pytest.raises(DataError, match="show 3 classes as colours"):
        found(root)
    data, _ = found(root, tmp_path / "new")
    expected = np.array([2, 0, 1] if told else [0, 2, 1], np.uint8)[drawn(0)[1]]
    assert np.array_equal(read_label(data.pairs[0].label), expected)
    assert data.class_names[:2] == (("disc", "bar") if told else ("colour_0a0a0a", "colour_1ec81e"))


def test_black_and_white_jpeg_is_cut_at_the_middle(tmp_path):
    root = tmp_path / "data"
    for number in range(5):
        image, ids = drawn(number)
        write_image(root / "images" / f"{number}.png", image)
        write_image(root / "masks" / f"{number}.jpg", np.repeat((ids == 1)[..., None] * np.uint8(255), 3, axis=2))
    with pytest.raises(DataError, match="--threshold 128"):
        found(root)
    _, values = found(root, tmp_path / "new")
    assert values.ids == [0, 1]


def test_labelmes_files_are_converted_or_the_command_is_said(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    layouts.labelme(root)
    with pytest.raises(DataError, match=r"6 labelme files.*--convert.*data from_labelme"):
        found(root)
    data, values = found(root, tmp_path / "new")
    assert data.class_names == ("_background_", "bar", "disc")
    assert len(data.pairs) == 6
    assert values.ids == [0, 1, 2]


def test_cocos_file_is_converted_or_the_command_is_said(tmp_path):
    pytest.importorskip("pycocotools")
    root = layouts.coco(tmp_path / "data")
    with pytest.raises(DataError, match=r"1 COCO file.*--convert.*data from_coco"):
        found(root)
    data, values = found(root, tmp_path / "new")
    assert data.class_names == ("_background_", "nut")
    assert {pair.image.parent for pair in data.pairs} == {root / "images"}
    assert values.pixels[1] == 6 * 400


@pytest.mark.parametrize(
    "content", ["background\ndisc\nbar\n", "# id name R G B\n0 background 0 0 0\n1 disc 9 9 9\n2 bar 8 8 8\n"]
)
def test_names_come_from_a_file_beside_the_folders(content, tmp_path):
    (flat(tmp_path) / "classes.txt").write_text(content, encoding="utf-8")
    data, _ = found(tmp_path)
    assert names_for(data, 3) == ("background", "disc", "bar")
    assert names_for(data, 4) == ()


def only_pictures(root):
    for number in range(3):
        write_image(root / "images" / f"{number}.png", drawn(number)[0])


def gray_photos(root):
    for number in range(3):
        image = drawn(number)[0]
        write_image(root / "images" / f"{number}.png", image)
        write_image(root / "labels" / f"{number}.png", np.repeat(image[..., :1], 3, axis=2))


def panoptic(root):
    only_pictures(root)
    content = {"images": [], "categories": [], "annotations": [{"image_id": 1, "segments_info": []}]}
    (root / "panoptic.json").write_text(json.dumps(content), encoding="utf-8")


def unconverted(root):
    """Cityscapes as it is published."""
    for part, city in (("train", "a"), ("val", "b")):
        image = root / "leftImg8bit" / part / city / "x_leftImg8bit.png"
        put(image, root / "gtFine" / part / city / "x_gtFine_labelIds.png", 0)


def damaged(root):
    (flat(root) / "masks" / "4.png").write_bytes(b"\x89PNG\r\n\x1a\n, and no more")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "notes.txt").write_text("x"), "there is no picture in"),
        (only_pictures, "3 pictures, but no annotation of them was recognised; want folders like images/"),
        (gray_photos, "a gray photo"),
        (panoptic, "panoptic"),
        (unconverted, "segwright data convert_cityscapes --cityscapes_path"),
        (damaged, r"4\.png .*Mend these files or take them away"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_to_do(spoil, message, tmp_path):
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        found(tmp_path)


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        found(tmp_path / "nothing")
