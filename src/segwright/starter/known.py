"""Data sets that the toolkit has a class for, told from their folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from segwright.datasets import ADE20K, Cityscapes, PascalVOC
from segwright.starter.found import Found, subfolders

MARKS: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("Cityscapes", Cityscapes, "leftImg8bit/train"),
    ("ADE20K", ADE20K, "annotations/training"),
    ("PascalVOC", PascalVOC, "VOC2012/ImageSets/Segmentation/train.txt"),
)


def known(root: Path) -> Found | None:
    """A known data set in a folder or one below it; None if there is none.

    Raises:
        DataError: of the data set's class: files are missing, or label maps have to be converted first.
    """
    for folder in subfolders(root, 1):
        for name, kind, mark in MARKS:
            if not (folder / mark).exists():
                continue
            parts = {mode: kind([], folder, mode=mode) for mode in ("train", "val")}
            return Found(
                f"the layout of {name}",
                folder,
                {mode: part.pairs for mode, part in parts.items()},
                known={"type": name, "dataset_root": str(folder.absolute())},
                class_names=tuple(kind.class_names),  # type: ignore[attr-defined]
                stored_ids=parts["train"].label_ids,
            )
    return None
