"""Layouts that list files tell: PaddleSeg's ``train.txt``, and VOC's ``ImageSets``."""

from collections.abc import Iterator
from pathlib import Path

from segwright.datasets import Pair, read_pairs
from segwright.datasets.list_file import SEPARATORS
from segwright.errors import DataError
from segwright.images import IMAGE_SUFFIXES
from segwright.images.listing import text_lines
from segwright.starter.found import PARTS, WHOLE, Found, subfolders

ENDINGS = ("", "_list", "list")
VOC_LABELS = ("SegmentationClassPNG", "SegmentationClass", "SegmentationClassAug")


def listed(root: Path) -> Found | None:
    """Pairs from ``train.txt``, ``val_list.txt`` and the like, or ``list.txt``; None if there are no such files.

    Raises:
        DataError: a list cannot be understood, or names files that are missing.
    """
    lists = _lists_in(root)
    if not lists:
        return None
    separator, parts = _read(lists, root)
    names = " and ".join(path.relative_to(root).as_posix() for path in lists.values())
    return Found(f"list files {names}", root, parts, lists=lists, separator=separator)


def _lists_in(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for word, part in PARTS.items():
        for ending in ENDINGS:
            path = root / f"{word}{ending}.txt"
            if path.is_file() and part != "test":
                found.setdefault(part, path)
    if "train" not in found:
        whole = root / "list.txt"
        return {WHOLE: whole} if whole.is_file() else {}
    return found


def _read(lists: dict[str, Path], root: Path) -> tuple[str, dict[str, list[Pair]]]:
    """Separator and pairs, with the first separator that all lists are understood with.

    Raises:
        DataError: of the most usual one, if none fits.
    """
    failure: DataError | None = None
    for separator in SEPARATORS:
        try:
            return separator, {part: read_pairs(path, root, separator=separator) for part, path in lists.items()}
        except DataError as error:
            failure = failure or error
    assert failure
    raise failure


def image_sets(root: Path) -> Found | None:
    """Pairs from names in ``ImageSets/Segmentation``, as VOC, CVAT and labelme's exports have them; None without it.

    Raises:
        DataError: files that are named are missing.
    """
    for place in subfolders(root, 2):
        folder = place / "ImageSets" / "Segmentation"
        labels = next((place / name for name in VOC_LABELS if (place / name).is_dir()), None)
        if not folder.is_dir() or labels is None:
            continue
        names = {part: folder / f"{part}.txt" for part in ("train", "val") if (folder / f"{part}.txt").is_file()}
        if "train" not in names:
            names = dict(zip((WHOLE,), sorted(folder.glob("*.txt")), strict=False))
        parts = {part: list(_named(path, place, labels)) for part, path in names.items()}
        if any(parts.values()):
            return Found(f"names in {folder.relative_to(root).as_posix()}", root, parts)
    return None


def _named(path: Path, place: Path, labels: Path) -> Iterator[Pair]:
    for number, name in text_lines(path):
        files = (place / "JPEGImages" / f"{name}{suffix}" for suffix in IMAGE_SUFFIXES)
        image = next((file for file in files if file.is_file()), None)
        label = labels / f"{name}.png"
        if image is None or not label.is_file():
            missing = place / "JPEGImages" / f"{name}.jpg" if image is None else label
            raise DataError(f"{path}:{number} names {name}, but {missing} does not exist; take the line out")
        yield Pair(image, label)
