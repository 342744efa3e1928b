"""List files: one picture a line, and beside it its label map."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from segwright.errors import DataError
from segwright.images.listing import is_file, missing_files, text_lines

SEPARATORS = {" ": "a space", "\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a pipe", ":": "a colon"}

logger = logging.getLogger("segwright.datasets")


class Pair(NamedTuple):
    """A picture and its label map; None in a test list of pictures only."""

    image: Path
    label: Path | None


def read_pairs(path: Path, root: Path, *, separator: str = " ", need_label: bool = True) -> list[Pair]:
    """Read a list file, each line ``image<separator>label``, and check that every file named is there.

    UTF-8, with or without byte order mark, any line ends, blank lines and outer blanks. A line is split where both
    sides are files, so that names may hold the separator themselves; a tab always separates. Quotes around a name
    and backslashes for slashes are understood. A line that starts with ``#`` and names no file is a comment.

    Args:
        path: the list file.
        root: folder that relative names start from.
        separator: what stands between picture and label.
        need_label: False accepts lines with only a picture.

    Returns:
        At least one pair, in the order of the file.

    Raises:
        DataError: the list is empty or no UTF-8 text, a line cannot be split, or files are missing.
    """
    pairs: list[Pair] = []
    unfound: list[list[str]] = []
    for number, line in text_lines(path):
        pair = _find_pair(line, root, separator, need_label)
        if pair:
            pairs.append(pair)
        elif not line.startswith("#"):
            unfound.append(_named_files(line, root, separator, need_label, where=f"{path}:{number}"))
    _check_missing(path, root, unfound, num_found=len(pairs))
    if not pairs:
        want = f"image{separator}label" if need_label else "image"
        raise DataError(f"{path} is empty: it lists no pictures; want one '{want}' a line")
    twice = [pair for pair, count in Counter(pairs).items() if count > 1]
    if twice:
        logger.warning("%s lists %d pairs more than once, first %s", path, len(twice), twice[0].image)
    return pairs


def shared_images(first: Sequence[Pair], second: Sequence[Pair]) -> list[Path]:
    """Pictures of ``first`` that are in ``second`` too, links followed: scores on them say little."""
    others = {pair.image.resolve() for pair in second}
    return [pair.image for pair in first if pair.image.resolve() in others]


def _find_pair(line: str, root: Path, separator: str, need_label: bool) -> Pair | None:
    image = None if need_label else _locate(line, root)
    if image:
        return Pair(image, None)
    for left, right in (*_splits(line, separator), *_splits(line, "\t")):
        image, label = _locate(left, root), _locate(right, root)
        if image and label:
            return Pair(image, label)
    return None


def _splits(line: str, separator: str) -> Iterator[tuple[str, str]]:
    """Both sides of each place where the separator stands, the last place first."""
    end = line.rfind(separator)
    while end > 0:
        yield line[:end].strip(), line[end + len(separator) :].strip()
        end = line.rfind(separator, 0, end)


def _locate(name: str, root: Path) -> Path | None:
    """The file that ``name`` means, if there is one."""
    spellings = [name]
    if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'":
        spellings.append(name[1:-1])
    spellings += [spelling.replace("\\", "/") for spelling in spellings if "\\" in spelling]
    return next((root / spelling for spelling in spellings if spelling and is_file(root / spelling)), None)


def _named_files(line: str, root: Path, separator: str, need_label: bool, where: str) -> list[str]:
    """What a line names that cannot be found as it is: ``[image]`` or ``[image, label]``.

    Raises:
        DataError: it is not missing files but the way the line is written that hinders.
    """
    for other, spoken in SEPARATORS.items():
        if other != separator and any(_locate(a, root) and _locate(b, root) for a, b in _splits(line, other)):
            raise DataError(
                f"{where}: separator is {separator!r}, but {spoken} stands between picture and label: {line!r}; "
                f"set separator: {other!r}"
            )
    fields = next(
        (found for sign in ("\t", separator) if len(found := [field for field in line.split(sign) if field]) == 2), None
    )
    if fields:
        return [field.strip() for field in fields]
    if not need_label:
        return [line]
    raise DataError(
        f"{where}: want 'image{separator}label', but nowhere does {separator!r} stand between two files below "
        f"{root}: {line!r}; check dataset_root and separator (a tab is safest where names hold spaces)"
    )


def _check_missing(path: Path, root: Path, unfound: Sequence[Sequence[str]], num_found: int) -> None:
    """Raise a ``DataError`` if lines name files, ``[image]`` or ``[image, label]``, that are not there."""
    images = [names[0] for names in unfound if not _locate(names[0], root)]
    labels = [names[1] for names in unfound if len(names) == 2 and not _locate(names[1], root)]
    total = len(unfound) + num_found
    missing = [
        missing_files(what, names, total) for what, names in (("pictures", images), ("label maps", labels)) if names
    ]
    if missing:
        raise DataError(f"{path}: {'; '.join(missing)}; names are relative to dataset_root, {root}")
