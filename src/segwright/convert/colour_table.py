"""Which colour stands for which class, as text files say it."""

import re
from pathlib import Path
from typing import NamedTuple

from segwright.errors import DataError
from segwright.images import Colour, Palette
from segwright.images.listing import text_lines

NUMBERED = re.compile(r"(\d+)[\s,;]+(\d+)[\s,;]+(\d+)[\s,;]+(\d+)(?:[\s,;]+(.*))?")
NAME_FIRST = re.compile(r"(\d+)[\s,;]+(.*?)[\s,;]+(\d+)[\s,;]+(\d+)[\s,;]+(\d+)")
NAMED = re.compile(r"([^:#]+):(\d+),(\d+),(\d+)(?::.*)?")


class Entry(NamedTuple):
    """A colour, the id of its class, and the class's name, if it is told."""

    colour: Colour
    class_id: int
    name: str


def read_colour_table(path: Path) -> list[Entry]:
    """A line for each colour: ``ID R G B NAME``, the name optional or second, or CVAT's ``NAME:R,G,B``.

    Blanks, commas and semicolons separate. Lines that start with ``#`` do not count. Lines without ids get them in
    their order, from 0. Several colours may have one id.

    Raises:
        DataError: the file cannot be read, a line is neither, or a colour stands for two classes.
    """
    entries: list[Entry] = []
    for number, line in text_lines(path):
        if line.startswith("#"):
            continue
        if found := NUMBERED.fullmatch(line):
            class_id, *rgb = (int(value) for value in found.groups()[:4])
            entry = Entry((rgb[0], rgb[1], rgb[2]), class_id, found.group(5) or "")
        elif found := NAME_FIRST.fullmatch(line):
            class_id, red, green, blue = (int(found.group(place)) for place in (1, 3, 4, 5))
            entry = Entry((red, green, blue), class_id, found.group(2))
        elif found := NAMED.fullmatch(line):
            red, green, blue = (int(value) for value in found.groups()[1:])
            entry = Entry((red, green, blue), len(entries), found.group(1).strip())
        else:
            raise DataError(f"{path}:{number}: want 'ID R G B NAME' or 'NAME:R,G,B', got {line!r}")
        if max(entry.colour) > 255 or entry.class_id > 255:
            raise DataError(f"{path}:{number}: colours and ids are 0 to 255, got {line!r}")
        entries.append(entry)
    return checked(entries, str(path))


def palette_entries(
    palette: Palette, names: tuple[str, ...] = (), extra: dict[Colour, int] | None = None
) -> list[Entry]:
    """Entries of a palette whose place i is class i, and of further colours."""
    own = [Entry(colour, index, names[index] if names else "") for index, colour in enumerate(palette)]
    return own + [Entry(colour, class_id, "") for colour, class_id in (extra or {}).items()]


def checked(entries: list[Entry], where: str) -> list[Entry]:
    """The entries.

    Raises:
        DataError: there are none, or a colour stands for two classes.
    """
    if not entries:
        raise DataError(f"{where} names no colours; want 'ID R G B NAME' on each line")
    ids: dict[Colour, int] = {}
    for entry in entries:
        if ids.setdefault(entry.colour, entry.class_id) != entry.class_id:
            raise DataError(
                f"{where}: colour {entry.colour} stands for {ids[entry.colour]} and {entry.class_id}; give each class "
                "its own"
            )
    return entries
