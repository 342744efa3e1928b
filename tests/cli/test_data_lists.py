"""``segwright data list``, ``split`` and ``leaks`` as they are typed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segwright.cli.main import main
from segwright.datasets import Dataset


@pytest.fixture
def data(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")

    def run(*words: object) -> tuple[int, str]:
        code = main(["data", *map(str, words)])
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return run


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def root(tmp_path) -> Path:
    """Three videos of four frames; class 1 is in the first frame of each."""
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    for video in range(3):
        for frame in range(4):
            name = f"drive{video}_{frame:04d}"
            Image.fromarray(picture(10 * video + frame)).save(tmp_path / "images" / f"{name}.jpg")
            label = np.full((96, 128), frame == 0, np.uint8)
            Image.fromarray(label).save(tmp_path / "annotations" / f"{name}.png")
    return tmp_path


def test_folders_become_a_list_that_trains(data, root):
    code, text = data("list", root)
    assert code == 0
    assert "list.txt: 12 pictures" in text
    assert len(Dataset([], root, 2, train_path="list.txt")) == 12
    assert "exist already" in data("list", root)[1]
    assert data("list", root, "--overwrite", "--separator", "\\t")[0] == 0
    assert (root / "list.txt").read_text().startswith("images/drive0_0000.jpg\tannotations/drive0_0000.png\n")


def test_parts_in_folders_become_a_list_each(data, root):
    for kind in ("images", "annotations"):
        for part, start in (("train", "drive0"), ("val", "drive1"), ("test", "drive2")):
            (root / kind / part).mkdir()
            for file in (root / kind).glob(f"{start}*"):
                file.rename(root / kind / part / file.name)
    for file in (root / "annotations" / "test").iterdir():
        file.unlink()
    (root / "annotations" / "test").rmdir()
    code, text = data("list", root)
    assert code == 0
    assert "train.txt: 4 pictures" in text
    assert "test.txt: 4 pictures, without label maps" in text
    assert (root / "test.txt").read_text().startswith("images/test/drive2_0000.jpg\n")


def test_files_without_a_partner_are_named(data, root):
    (root / "annotations" / "drive1_0002.png").unlink()
    (root / "images" / "drive0_0000.jpg").unlink()
    code, text = data("list", root)
    assert code == 2
    assert "1 pictures have no label map" in text
    assert "drive1_0002.jpg; 1 label maps have no picture" in text
    assert not (root / "list.txt").exists()
    code, text = data("list", root, "--skip_unpaired")
    assert code == 0
    assert "list.txt: 10 pictures" in text


def test_a_list_is_divided(data, root):
    data("list", root)
    code, text = data("split", root / "list.txt", "--split", 0.5, 0.25, 0.25)
    assert code == 0
    assert "names like frames of 3 videos" in text
    parts = [(root / f"{part}.txt").read_text().splitlines() for part in ("train", "val", "test")]
    assert [len(part) for part in parts] == [6, 3, 3]
    assert sorted(line for part in parts for line in part) == (root / "list.txt").read_text().splitlines()


def test_a_list_is_never_replaced_by_a_part_of_itself(data, root):
    data("list", root)
    whole = (root / "list.txt").rename(root / "train.txt")
    before = whole.read_text()
    code, text = data("split", whole, "--overwrite")
    assert code == 2
    assert "would be replaced by a part of itself" in text
    assert whole.read_text() == before


@pytest.mark.parametrize("words", [("--group_by", "prefix"), ("--group_regex", r"(drive\d)")])
def test_videos_stay_on_one_side(data, root, words):
    data("list", root)
    code, text = data("split", root / "list.txt", "--split", 0.67, 0.33, 0, "--output", root / "parts", *words)
    assert code == 0
    assert "train.txt: 8 pictures, 2 groups" in text
    videos = [
        {line.split("_")[0] for line in (root / "parts" / f"{part}.txt").read_text().splitlines()}
        for part in ("train", "val")
    ]
    assert not videos[0] & videos[1]


def test_each_part_has_the_rare_class(data, root):
    data("list", root)
    code, text = data("split", root / "list.txt", "--split", 0.34, 0.33, 0.33, "--stratify", "--seed", 3)
    assert code == 0
    assert "share of pictures with it" in text
    for part in ("train", "val", "test"):
        assert sum("_0000." in line for line in (root / f"{part}.txt").read_text().splitlines()) == 1


def test_r18_the_same_picture_on_both_sides_is_found(data, root):
    (root / "train.txt").write_text("images/drive0_0000.jpg\nimages/drive0_0001.jpg\n")
    Image.fromarray(picture(1)).resize((96, 72)).save(root / "images" / "renamed.png")
    (root / "val.txt").write_text("images/renamed.png annotations/drive0_0001.png\nimages/drive1_0000.jpg\n")
    code, text = data("leaks", root / "train.txt", root / "val.txt", "--json", root / "leaks.json")
    assert code == 1
    assert "1 pairs differ in at most 13 of 256 frequencies" in text
    (pair,) = json.loads((root / "leaks.json").read_text())["pairs"]
    assert (Path(pair["first"]).name, Path(pair["second"]).name) == ("drive0_0001.jpg", "renamed.png")
    assert data("leaks", root / "train.txt")[0] == 0
    (root / "images" / "drive1_0000.jpg").write_bytes(b"none")
    code, text = data("leaks", root / "train.txt", root / "val.txt")
    assert code == 2
    assert "drive1_0000.jpg cannot be read" in text
