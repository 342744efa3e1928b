"""Which picture belongs to which label map, and list files of it."""

from pathlib import Path

import pytest

from segwright.datasets import Pair, read_pairs
from segwright.datasets.pair_folders import NameRule, pair_folders, write_list, write_lists
from segwright.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_names_and_sub_folders_decide(tmp_path):
    touch(tmp_path, "i/a/1.jpg", "i/b/1.JPG", "i/2.png", "i/.hidden.png", "i/notes.txt")
    touch(tmp_path, "l/a/1.png", "l/b/1.png", "l/3.png")
    pairing = pair_folders(tmp_path / "i", tmp_path / "l")
    assert pairing.pairs == [
        Pair(tmp_path / "i/a/1.jpg", tmp_path / "l/a/1.png"),
        Pair(tmp_path / "i/b/1.JPG", tmp_path / "l/b/1.png"),
    ]
    assert pairing.leftovers() == (
        f"1 pictures have no label map: {tmp_path}/i/2.png; 1 label maps have no picture: {tmp_path}/l/3.png"
    )


def test_postfixes_and_formats_tell_files_of_one_folder_apart(tmp_path):
    touch(tmp_path, "a_leftImg8bit.png", "a_gtFine_labelTrainIds.png", "a_gtFine_labelIds.png", "b.v2.jpg", "b.v2.png")
    image, label = NameRule("_leftImg8bit"), NameRule("_gtFine_labelTrainIds")
    (pair,) = pair_folders(tmp_path, tmp_path, image, label).pairs
    assert (pair.image.name, pair.label.name) == ("a_leftImg8bit.png", "a_gtFine_labelTrainIds.png")
    (pair,) = pair_folders(tmp_path, tmp_path, NameRule(suffixes=(".jpg",)), NameRule(suffixes=(".png",))).pairs
    assert (pair.image.name, pair.label.name) == ("b.v2.jpg", "b.v2.png")


def test_what_cannot_be_matched_is_told(tmp_path):
    touch(tmp_path, "i/a.jpg", "l/a_mask.png", "twice/a.jpg", "twice/a.png")
    (tmp_path / "none").mkdir()
    for images, said in (("i", "say with --postfix"), ("none", "no pictures in"), ("gone", "there is no folder")):
        with pytest.raises(DataError, match=said):
            pair_folders(tmp_path / images, tmp_path / "l")
    with pytest.raises(DataError, match="have one name; say with --format or --postfix which pictures count"):
        pair_folders(tmp_path / "twice", tmp_path / "l")


@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_lists_are_read_back(tmp_path, separator, caplog):
    touch(tmp_path, "i/a b.jpg", "l/a b.png", "i/c.jpg", "l/c.png")
    pairs = pair_folders(tmp_path / "i", tmp_path / "l").pairs
    write_list(tmp_path / "list.txt", pairs, tmp_path, separator)
    assert read_pairs(tmp_path / "list.txt", tmp_path, separator=separator) == pairs
    assert ("a name holds the separator" in caplog.text) == (separator == " ")


def test_lists_are_replaced_only_when_asked_and_none_without_the_others(tmp_path):
    touch(tmp_path, "i/a.jpg", "l/a.png")
    pairs = pair_folders(tmp_path / "i", tmp_path / "l").pairs
    (tmp_path / "val.txt").write_text("mine")
    lists = {tmp_path / "train.txt": pairs, tmp_path / "val.txt": pairs}
    with pytest.raises(DataError, match=r"val\.txt exist already"):
        write_lists(lists, tmp_path)
    assert not (tmp_path / "train.txt").exists()
    write_lists(lists, tmp_path, overwrite=True)
    assert (tmp_path / "val.txt").read_text() == "i/a.jpg l/a.png\n"
