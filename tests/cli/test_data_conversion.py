"""``segwright data from_...``, ``to_...``, ``convert_...``, ``remap`` and ``overlay`` as they are typed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segwright.cli.main import main
from segwright.images import read_label

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def data(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")

    def run(*words: object) -> tuple[int, str]:
        code = main(["data", *map(str, words)])
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return run


@pytest.fixture
def pairs(tmp_path) -> Path:
    """Three pictures with label maps of the classes 0 to 3 and 255, and their list."""
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / folder / "sub").mkdir(parents=True)
    names = ["sub/a", "b", "c"]
    for name in names:
        label = np.kron(rng.choice([0, 1, 2, 3, 255], (6, 8)).astype(np.uint8), np.ones((5, 5), np.uint8))
        Image.fromarray(label).save(tmp_path / "labels" / f"{name}.png")
        Image.fromarray(np.repeat(label[:, :, None], 3, axis=2)).save(tmp_path / "images" / f"{name}.jpg")
    (tmp_path / "list.txt").write_text("".join(f"images/{name}.jpg labels/{name}.png\n" for name in names))
    (tmp_path / "classes.txt").write_text("_background_\nroad\nsky\nhouse\n")
    return tmp_path


def assert_same(root: Path, back: Path) -> None:
    labels = sorted((root / "labels").rglob("*.png"))
    assert len(labels) == 3
    for path in labels:
        np.testing.assert_array_equal(read_label(back / path.relative_to(root / "labels")), read_label(path))


@pytest.mark.parametrize("flags", [(), ("--classes",), ("--classes", "--with_background")])
def test_labelme_gives_label_maps_back(data, pairs, flags):
    words = [word for flag in flags for word in ((flag, pairs / "classes.txt") if flag == "--classes" else (flag,))]
    assert data("to_labelme", pairs / "list.txt", pairs / "lm", "--num_workers", 0, *words)[0] == 0
    code, text = data("from_labelme", pairs / "lm", pairs / "set", "--num_workers", 0)
    assert code == 0, text
    assert "4 classes" in text
    assert_same(pairs, pairs / "set" / "annotations" / "images")
    copied = pairs / "set" / "images" / "images" / "sub" / "a.jpg"
    assert copied.read_bytes() == (pairs / "images" / "sub" / "a.jpg").read_bytes()
    assert data("list", pairs / "set")[0] == 0
    assert len((pairs / "set" / "list.txt").read_text().splitlines()) == 3


@pytest.mark.parametrize("kind", ["polygons", "rle"])
def test_coco_gives_label_maps_back(data, pairs, kind):
    pytest.importorskip("pycocotools")
    words = ("--classes", pairs / "classes.txt", "--segmentation", kind, "--num_workers", 0)
    assert data("to_coco", pairs / "list.txt", pairs / "coco.json", *words)[0] == 0
    names = [category["name"] for category in json.loads((pairs / "coco.json").read_text())["categories"]]
    assert names == ["_background_", "road", "sky", "house", "__ignore__"]
    code, text = data("from_coco", pairs / "coco.json", pairs / "back", "--ids", "keep", "--num_workers", 0)
    assert code == 0
    assert "pixels without annotation are 0, _background_" in text
    assert_same(pairs, pairs / "back" / "images")
    stacks = ("--use_multilabel", "--num_workers", 0)
    assert data("from_coco", pairs / "coco.json", pairs / "stacks", *stacks)[0] == 0
    assert read_label(pairs / "stacks" / "images" / "b.png").shape == (30, 3 * 40)


def test_a_second_run_keeps_what_is_whole(data, pairs):
    words = ("to_labelme", pairs / "list.txt", pairs / "lm", "--num_workers", 0)
    data(*words)
    (pairs / "lm" / "images" / "b.json").unlink()
    assert "1 files converted, 2 kept as they were" in data(*words)[1]
    assert "3 files converted" in data(*words, "--overwrite")[1]


def test_r25_bad_files_are_named_and_the_exit_code_is_2(data, pairs):
    data("to_labelme", pairs / "list.txt", pairs / "lm", "--num_workers", 0)
    (pairs / "lm" / "images" / "b.json").write_text("{")
    code, text = data("from_labelme", pairs / "lm", pairs / "set", "--num_workers", 2)
    assert code == 2
    assert "b.json is no JSON" in text
    assert "1 of 3 files could not be converted" in text
    assert (pairs / "set" / "annotations" / "images" / "c.png").is_file()


def test_cityscapes_is_converted_by_paddlesegs_flags(data, tmp_path):
    folder = tmp_path / "gtFine" / "val" / "ulm"
    folder.mkdir(parents=True)
    objects = [{"label": "car", "polygon": [[0, 0], [3, 0], [3, 2], [0, 2]]}]
    for number in range(3):
        content = {"imgWidth": 5, "imgHeight": 4, "objects": objects}
        (folder / f"ulm_{number:06d}_000019_gtFine_polygons.json").write_text(json.dumps(content))
    assert data("convert_cityscapes", "--cityscapes_path", tmp_path, "--num_workers", 2)[0] == 0
    label = read_label(folder / "ulm_000002_000019_gtFine_labelTrainIds.png")
    assert label.tolist() == [[13, 13, 13, 13, 255]] * 3 + [[255] * 5]


def test_masks_are_remapped(data, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "in" / "m.png")
    rgb = np.array([[(128, 64, 128), (70, 130, 180)]], np.uint8)
    (tmp_path / "colour").mkdir()
    Image.fromarray(rgb).save(tmp_path / "colour" / "m.png")
    assert data("remap", tmp_path / "in", tmp_path / "a", "--ids", "255:1", "--num_workers", 0)[0] == 0
    assert read_label(tmp_path / "a" / "m.png").tolist() == [[0, 1]]
    words = ("remap", tmp_path / "colour", tmp_path / "b", "--num_workers", 0, "--colors")
    assert data(*words, "cityscapes")[0] == 0
    assert read_label(tmp_path / "b" / "m.png").tolist() == [[0, 10]]
    code, text = data(*words, "cityscape")
    assert code == 2
    assert "did you mean 'cityscapes'" in text
    assert data("pseudo_color", tmp_path / "a", tmp_path / "c", "--colors", "cityscapes", "--num_workers", 0)[0] == 0
    assert read_label(tmp_path / "c" / "m.png").tolist() == [[0, 1]]
    assert np.array(Image.open(tmp_path / "c" / "m.png").convert("RGB"))[0, 0].tolist() == [128, 64, 128]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ids", "255:1", "255:2"), "--ids names 255 more than once"),
        (("--threshold", "9", "--others", "3"), "--others has no meaning with --threshold"),
        (("--ids", "1:2", "--tolerance", "3"), "--tolerance is for colours"),
        (("--ids", "1:2", "--others", "300"), "--others is an id"),
        (("--threshold", "256"), "--threshold is a brightness, 1 to 255"),
    ],
)
def test_flags_that_do_not_belong_together(data, tmp_path, words, said):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "m.png")
    code, text = data("remap", tmp_path / "m.png", tmp_path / "out", *words)
    assert code == 2
    assert said in text


def test_overlays_are_drawn(data, pairs):
    words = ("--classes", pairs / "classes.txt", "--num_workers", 0)
    assert data("overlay", pairs / "list.txt", pairs / "shown", *words)[0] == 0
    assert len(list((pairs / "shown").rglob("*.jpg"))) == 3
    assert data("overlay", pairs / "list.txt", pairs / "x", "--weight", 2)[0] == 2


def test_without_its_library_a_format_says_what_to_install(data, pairs, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    code, text = data("to_coco", pairs / "list.txt", pairs / "x.json", "--segmentation", "rle")
    assert code == 2
    assert "pip install 'segwright[annotations]'" in text
