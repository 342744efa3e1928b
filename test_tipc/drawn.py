"""Drawn data sets in the layouts that the chains' configurations name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segwright.atomic import new_folder, write_text
from segwright.datasets.cityscapes import Cityscapes
from segwright.demo.fundus import write_dataset
from segwright.images import default_palette, write_image, write_label_map
from segwright.types import Size
from test_tipc.street import ROAD, draw_street

MARK = "drawn_for_test_tipc"  # a file in folders that hold drawn pictures
NUM_TRAIN, NUM_VAL = 8, 5
STREET, RETINA = Size(128, 256), Size(128, 128)
SPLITS = (("train", NUM_TRAIN), ("val", NUM_VAL))


def draw_cityscapes(root: Path) -> None:
    """Streets with 6 of the 19 classes, in Cityscapes' folders."""
    for split, count in SPLITS:
        for index in range(count):
            image, label = draw_street(np.random.default_rng([split == "val", index]), STREET)
            name = f"{split}/drawn/drawn_{index:06d}_000000"
            write_image(root / f"leftImg8bit/{name}_leftImg8bit.png", image)
            write_label_map(root / f"gtFine/{name}_gtFine_labelTrainIds.png", label, Cityscapes.palette)


def draw_road(root: Path) -> None:
    """Streets of which only the road is labelled, and lists of them."""
    for split, count in SPLITS:
        lines = []
        for index in range(count):
            image, label = draw_street(np.random.default_rng([split == "val", index]), STREET)
            names = f"images/{split}_{index}.png", f"labels/{split}_{index}.png"
            write_image(root / names[0], image)
            write_label_map(root / names[1], (label == ROAD).astype(np.uint8), default_palette(2))
            lines.append(" ".join(names))
        write_text(root / f"{split}.txt", "\n".join(lines) + "\n")


def draw_retinas(root: Path) -> None:
    """Pictures of the retina with the optic disc labelled, and lists of them."""
    write_dataset(root, num_train=NUM_TRAIN, num_val=NUM_VAL, size=RETINA)


DRAWN: dict[str, Callable[[Path], None]] = {
    "Cityscapes": draw_cityscapes,
    "OpticDiscSeg": draw_retinas,
    "Dataset": draw_road,
}


def can_draw(block: dict[str, Any]) -> bool:
    """Whether there are drawn pictures for a ``val_dataset`` block: of Dataset, for two classes and the usual lists."""
    usual = block.get("num_classes") == 2 and block.get("val_path") == "val.txt"
    return block["type"] in DRAWN and (block["type"] != "Dataset" or usual)


def draw(block: dict[str, Any], root: Path) -> None:
    """Fill a new folder for a data set block that ``can_draw`` knows."""
    with new_folder(root) as folder:
        DRAWN[block["type"]](folder)
        write_text(folder / MARK, "Drawn by test_tipc/prepare.sh, which may replace this folder.\n")
