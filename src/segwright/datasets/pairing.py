"""Pictures and label maps that belong together by their names."""

from collections.abc import Callable
from pathlib import Path

from segwright.datasets.list_file import Pair
from segwright.errors import DataError
from segwright.images.listing import is_file, missing_files, text_lines


def listed_pairs(list_path: Path, pair_of: Callable[[str], Pair], layout: str) -> list[Pair]:
    """A pair for each line of a file that names pictures alone.

    Args:
        list_path: UTF-8 text, one name a line.
        pair_of: the files that a name stands for.
        layout: what the data set's folder looks like, for messages.

    Raises:
        DataError: there is no such list, it is empty, or files are missing.
    """
    if not is_file(list_path):
        raise DataError(f"{list_path} does not exist; want {layout}")
    pairs = [pair_of(name) for _, name in text_lines(list_path)]
    if not pairs:
        raise DataError(f"{list_path} is empty: it names no pictures")
    images = [str(pair.image) for pair in pairs if not is_file(pair.image)]
    labels = [str(pair.label) for pair in pairs if pair.label and not is_file(pair.label)]
    missing = [
        missing_files(what, names, len(pairs))
        for what, names in (("pictures", images), ("label maps", labels))
        if names
    ]
    if missing:
        raise DataError(f"{list_path}: {'; '.join(missing)}; want {layout}")
    return pairs


def matching_pairs(images: Path, labels: Path, layout: str) -> list[Pair]:
    """Every .jpg in one folder with the .png of the same name in the other, sorted by name.

    Raises:
        DataError: there are no pictures, or label maps are missing.
    """
    pairs = [Pair(image, labels / f"{image.stem}.png") for image in sorted(images.glob("*.jpg"))]
    if not pairs:
        raise DataError(f"no pictures in {images}; want {layout}")
    there = {path.name for path in labels.glob("*.png")}
    missing = [str(pair.label) for pair in pairs if pair.label and pair.label.name not in there]
    if missing:
        raise DataError(f"{missing_files('label maps', missing, len(pairs))}; want {layout}")
    return pairs
