"""Tiny folders in the layouts of well-known data sets."""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 12, 8


def picture(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """A plain picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 100, 50)).save(path)


def label_map(path: Path, *ids: int, palette: bool = False) -> None:
    """A gray or palette PNG of upright stripes, one for each id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stripes = np.array(ids, np.uint8)[np.arange(WIDTH) * len(ids) // WIDTH]
    image = Image.fromarray(np.tile(stripes, (HEIGHT, 1)))
    if palette:
        image = image.copy()
        image.putpalette([255 - value // 3 for value in range(768)])
        assert image.mode == "P"
    image.save(path)


def text(path: Path, *lines: str) -> None:
    """A list file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def make_listed(root: Path, lists: dict[str, str], separator: str, num_classes: int) -> Path:
    """List files that name one picture with all classes."""
    picture(root / "images" / "a.jpg")
    label_map(root / "labels" / "a.png", *range(num_classes), 255)
    for name in lists.values():
        text(root / name, f"images/a.jpg{separator}labels/a.png")
    return root


def make_voc(root: Path) -> Path:
    """VOCdevkit with one picture for training, one for validation, one more by augmentation."""
    voc = root / "VOC2012"
    for name in ("one", "two", "more"):
        picture(voc / "JPEGImages" / f"{name}.jpg")
    for name in ("one", "two"):
        label_map(voc / "SegmentationClass" / f"{name}.png", 0, 15, 20, 255, palette=True)
    label_map(voc / "SegmentationClassAug" / "more.png", 0, 7)
    lists = voc / "ImageSets" / "Segmentation"
    text(lists / "train.txt", "one")
    text(lists / "val.txt", "two")
    text(lists / "trainval.txt", "one", "two")
    text(lists / "aug.txt", "more")
    return root


def make_context(root: Path) -> Path:
    """VOC2010 with one picture."""
    picture(root / "JPEGImages" / "one.jpg")
    label_map(root / "Context" / "one.png", 0, 59, 255)
    for part in ("train", "val", "trainval"):
        text(root / "ImageSets" / "Segmentation" / f"{part}_context.txt", "one")
    return root


def make_ade(root: Path, *ids: int) -> Path:
    """ADEChallengeData2016 with two pictures in each part."""
    for part in ("training", "validation"):
        for name in ("ADE_2", "ADE_1"):
            picture(root / "images" / part / f"{name}.jpg")
            label_map(root / "annotations" / part / f"{name}.png", *ids)
    return root


def make_coco(root: Path, *ids: int) -> Path:
    """Two pictures in each part; the label map of the first says nothing about the numbers used."""
    for part in ("train2017", "val2017"):
        for name, values in (("01", (0, 3)), ("02", ids)):
            picture(root / "images" / part / f"{name}.jpg")
            label_map(root / "annotations" / part / f"{name}.png", *values)
    return root


def make_eg1800(root: Path) -> Path:
    """One portrait for training, one for evaluation."""
    for name in ("1.png", "2.png"):
        picture(root / "Images" / name)
        label_map(root / "Labels" / name, 0, 1, 2, 255)
    text(root / "eg1800_train.txt", "1.png")
    text(root / "eg1800_test.txt", "2.png")
    return root


def make_supervisely(root: Path) -> Path:
    """One portrait for training, one for evaluation."""
    for name in ("1.png", "2.png"):
        picture(root / "SuperviselyPerson_ds1" / "img" / name)
        label_map(root / "SuperviselyPerson_ds1" / "ann" / name, 0, 1, 2, 255)
    text(root / "supervisely_face_train_easy.txt", "Supervisely_face/SuperviselyPerson_ds1/img/1.png")
    text(root / "supervisely_face_test_easy.txt", "Supervisely_face/SuperviselyPerson_ds1/img/2.png")
    return root
