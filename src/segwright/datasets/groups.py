"""Which pictures belong together, as frames of one video do, told from their names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from segwright.errors import DataError

NUMBER = re.compile(r"(\d+)")


def groups_by_folder(images: Sequence[Path]) -> list[str]:
    """The folder of each picture."""
    return [str(image.parent) for image in images]


def groups_by_regex(images: Sequence[Path], pattern: str) -> list[str]:
    """What a regular expression finds in each path (``/`` between folders): its groups, or all that it matches.

    Raises:
        DataError: the expression is wrong, or finds nothing in a path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"--group_regex {pattern!r} is no regular expression: {error}") from error
    found = [expression.search(image.as_posix()) for image in images]
    without = [str(image) for image, match in zip(images, found, strict=True) if match is None]
    if without:
        raise DataError(f"--group_regex {pattern!r} finds nothing in {len(without)} paths, first {without[0]}")
    return ["|".join(match.groups("") or [match.group()]) for match in found if match]


def groups_by_prefix(images: Sequence[Path]) -> list[str]:
    """Names that differ only in their frame number: the last number that differs among names built alike.

    ``0001TP_006690.png`` and ``0001TP_006720.png`` are one group, ``Seq05VD_f00000.png`` is another one.
    """
    parts = [(str(image.parent), NUMBER.split(image.stem)) for image in images]  # text, number, text, number, text ...
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (folder, pieces) in enumerate(parts):
        shape = (folder, *pieces[::2])
        alike[shape].append(index)
    groups = [""] * len(images)
    for members in alike.values():
        pieces = [parts[index][1] for index in members]
        counter = next(
            (place for place in range(len(pieces[0]) - 2, 0, -2) if len({piece[place] for piece in pieces}) > 1), None
        )
        for index in members:
            folder, piece = parts[index]
            groups[index] = f"{folder}/" + "".join(text for place, text in enumerate(piece) if place != counter)
    return groups
