"""Small data sets in the layouts that people have."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from segwright.images import default_palette, write_image, write_label_map

HEIGHT, WIDTH = 60, 80


def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture, (H, W, 3) uint8, and its label map: noise, a disc of class 1 and a bar of class 2."""
    rng = np.random.default_rng(number)
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(label, (int(rng.integers(15, 65)), int(rng.integers(15, 45))), 12, 1, -1)
    top = int(rng.integers(5, 50))
    label[top : top + 6, 5:75] = 2
    coarse = cv2.resize(
        rng.uniform(0, 120, (6, 8, 3)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    image = coarse + np.array([(0, 0, 0), (110, 30, 0), (0, 60, 120)], np.float32)[label]
    return np.clip(image, 0, 255).astype(np.uint8), label


def put(image: Path, label: Path, number: int, change: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
    """Write a pair; ``change`` makes other numbers of the ids."""
    picture, ids = drawn(number)
    write_image(image, picture)
    write_label_map(label, change(ids) if change else ids, default_palette(256))


def flat(root: Path, count: int = 10, change: Callable[[np.ndarray], np.ndarray] | None = None) -> Path:
    """``images/0.png`` and ``masks/0.png``."""
    for number in range(count):
        put(root / "images" / f"{number}.png", root / "masks" / f"{number}.png", number, change)
    return root


def nested_by_kind(root: Path) -> Path:
    """``images/train`` and ``labels/train``, and a test part without labels."""
    for number in range(10):
        part = "train" if number < 7 else "val"
        put(root / "images" / part / f"{number}.png", root / "labels" / part / f"{number}.png", number)
    write_image(root / "images" / "test" / "x.png", drawn(99)[0])
    return root


def nested_by_part(root: Path) -> Path:
    """``train/image`` and ``train/label``."""
    for number in range(10):
        part = "Train" if number < 7 else "Valid"
        put(root / part / "image" / f"{number}.jpg", root / part / "label" / f"{number}.png", number)
    return root


def glued(root: Path) -> Path:
    """``train`` and ``trainannot``, as SegNet has CamVid."""
    for number in range(10):
        part = "train" if number < 7 else "val"
        put(root / part / f"{number}.png", root / f"{part}annot" / f"{number}.png", number)
    return root


def underscored(root: Path) -> Path:
    """``train_images`` and ``train_masks``, in a folder of their own."""
    for number in range(10):
        part = "train" if number < 7 else "val"
        put(root / "set" / f"{part}_images" / f"{number}.jpg", root / "set" / f"{part}_masks" / f"{number}.png", number)
    return root


def endings(root: Path) -> Path:
    """``a_sat.jpg`` and ``a_mask.png`` in two folders."""
    for number in range(10):
        put(root / "imgs" / f"{number}_sat.jpg", root / "gt" / f"{number}_mask.png", number)
    return root


def beginnings(root: Path) -> Path:
    """``img_1.jpg`` and ``mask_1.png`` in two folders."""
    for number in range(10):
        put(root / "JPEGImages" / f"img_{number}.jpg", root / "SegmentationClass" / f"mask_{number}.png", number)
    return root


def beside(root: Path) -> Path:
    """``1.jpg`` and ``1_mask.png`` in one folder."""
    for number in range(10):
        put(root / f"{number}.jpg", root / f"{number}_mask.png", number)
    return root


def one_name(root: Path) -> Path:
    """``1.jpg`` and ``1.png`` in one folder for each part."""
    for number in range(10):
        part = "train" if number < 7 else "val"
        put(root / part / f"{number}.jpg", root / part / f"{number}.png", number)
    return root


def listed(root: Path, separator: str = " ", name: str = "{}_list.txt") -> Path:
    """PaddleSeg's list files beside the folders."""
    lines: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(10):
        image, label = f"JPEGImages/{number}.jpg", f"Annotations/{number}.png"
        put(root / image, root / label, number)
        lines["train" if number < 7 else "val"].append(f"{image}{separator}{label}\n")
    for part, content in lines.items():
        (root / name.format(part)).write_text("".join(content), encoding="utf-8")
    return root


def voc(root: Path) -> Path:
    """``JPEGImages``, ``SegmentationClass`` and lists of names."""
    names: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(10):
        put(root / "JPEGImages" / f"n{number}.jpg", root / "SegmentationClass" / f"n{number}.png", number)
        names["train" if number < 7 else "val"].append(f"n{number}\n")
    folder = root / "ImageSets" / "Segmentation"
    folder.mkdir(parents=True)
    for part, content in names.items():
        (folder / f"{part}.txt").write_text("".join(content), encoding="utf-8")
    return root


def ade20k(root: Path) -> Path:
    """The benchmark's folders; its label maps hold 0 for what is no class, and 1 to 150."""
    for number in range(8):
        part = "training" if number < 5 else "validation"
        name = f"ADE_{number}"
        put(root / "images" / part / f"{name}.jpg", root / "annotations" / part / f"{name}.png", number)
    return root


def labelme(root: Path, count: int = 6) -> Path:
    """Pictures with labelme's JSON beside them."""
    for number in range(count):
        write_image(root / f"{number}.jpg", drawn(number)[0])
        shapes = [
            {"label": name, "points": points, "shape_type": "polygon"}
            for name, points in (("disc", [[10, 10], [40, 12], [30, 40]]), ("bar", [[50, 45], [70, 45], [70, 55]]))
        ]
        content = {"version": "5.0.1", "shapes": shapes, "imagePath": f"{number}.jpg", "imageData": None}
        content |= {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        (root / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


def coco(root: Path, count: int = 6) -> Path:
    """``images`` and one COCO file with polygons."""
    pictures, annotations = [], []
    for number in range(count):
        write_image(root / "images" / f"{number}.jpg", drawn(number)[0])
        pictures.append({"id": number, "file_name": f"{number}.jpg", "height": HEIGHT, "width": WIDTH})
        outline = {
            "id": number,
            "image_id": number,
            "category_id": 7,
            "iscrowd": 0,
            "area": 400,
            "bbox": [10, 10, 20, 20],
        }
        annotations.append({**outline, "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]})
    content = {"images": pictures, "annotations": annotations, "categories": [{"id": 7, "name": "nut"}]}
    (root / "annotations").mkdir()
    (root / "annotations" / "instances.json").write_text(json.dumps(content), encoding="utf-8")
    return root
