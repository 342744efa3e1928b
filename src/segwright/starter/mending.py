"""Masks that hold no class ids: what they hold instead, and how label maps are made of them, in a new folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from segwright.convert import (
    Colours,
    Entry,
    NewIds,
    Threshold,
    convert_mask_files,
    palette_entries,
    read_class_names,
    read_colour_table,
)
from segwright.convert.remap import ReadIds
from segwright.datasets import ADE20K, CamVid, Cityscapes, Pair, PascalVOC, SegmentationDataset
from segwright.errors import DataError
from segwright.starter.found import Found, subfolders
from segwright.starter.label_values import IGNORED, MANY_COLOURS, LabelValues

PALETTES: dict[str, type[SegmentationDataset]] = {
    "camvid": CamVid,
    "cityscapes": Cityscapes,
    "pascalvoc": PascalVOC,
    "ade20k": ADE20K,
}
VOC_BORDER = (224, 224, 192)
TABLES = ("labelmap.txt", "colors.txt", "colours.txt", "class_dict.csv", "classes.txt", "label_colors.txt")
NAME_FILES = ("class_names.txt", "labels.txt", "classes.txt", "names.txt", "obj.names")
FEW_CODES = 8  # numbers without a class up to which ids may have gaps: rare classes are missed by a sample


@dataclass(frozen=True)
class Mending:
    """How masks become label maps.

    Attributes:
        reason: what they hold, in words.
        read: from a mask to ids.
        words: the flag of ``segwright data remap`` that does the same.
        class_names: where they come out of it; may be empty.
    """

    reason: str
    read: ReadIds
    words: str
    class_names: tuple[str, ...] = ()

    def request(self, root: Path, labels: Sequence[Path], out: Path) -> str:
        """What to do, as a sentence with the command."""
        return (
            f"{self.reason}; segwright init {root} --convert {out} writes label maps to a new folder and goes on with "
            f"them, the masks stay as they are (segwright data remap {folder_of(labels)} {out} {self.words} writes "
            "them alone)"
        )


def needed(values: LabelValues, found: Found) -> Mending | None:
    """What has to be done to masks before they serve; None if they are label maps.

    Raises:
        DataError: nothing can be done, or it cannot be known what.
    """
    if values.damaged:
        more = f" (and {len(values.damaged) - 1} more)" if len(values.damaged) > 1 else ""
        raise DataError(f"{values.damaged[0]}{more}. Mend these files or take them away, then run init again")
    if values.lossy:
        return _threshold(values)
    if values.coloured:
        return _colours(values, found.root)
    ids = values.ids
    if not ids:
        raise DataError(
            f"the {values.looked} label maps looked at hold nothing but {IGNORED}, first {next(iter(values.sets))}: "
            "there is nothing to learn; save the classes as 0, 1, 2 ..."
        )
    first = next(iter(values.sets))
    if len(ids) <= 2 and max(ids) > 1 and (ids[0] == 0 or len(ids) == 1):
        return _one_class(f"the masks hold {_said(values.pixels)}, first {first}", max(ids))
    if ids == [0] and values.pixels[IGNORED]:
        return _one_class(f"the masks hold 0 and 255, first {first}, and 255 means pixels that do not count", IGNORED)
    usual = median(len(held) for held in values.sets.values())
    if usual > MANY_COLOURS:
        raise DataError(
            f"{first} and others hold some {usual:.0f} numbers each: that is a gray photo, a depth map, or a mask with "
            "smoothed edges, and no label map; save one number a class, as PNG, without smoothing"
        )
    if max(ids) + 1 > 2 * len(ids) + FEW_CODES and not names_for(found, max(ids) + 1):
        table = {old: new for new, old in enumerate(ids)}
        words = "--ids " + " ".join(f"{old}:{new}" for old, new in table.items() if old != new)
        return Mending(
            f"the label maps hold {_said(values.pixels)}: {len(ids)} classes with gaps between their ids",
            NewIds(table),
            words,
        )
    return None


def mend(found: Found, mending: Mending, out: Path, *, num_workers: int) -> Found:
    """Write a label map for each mask, and name these instead.

    Raises:
        DataError: some masks cannot be converted.
    """
    labels = found.labels
    common = folder_of(labels)
    paths = {label: (out / label.relative_to(common)).with_suffix(".png") for label in labels}
    convert_mask_files(paths, mending.read, num_workers=num_workers).conclude(out)
    parts = {
        part: [Pair(pair.image, paths[pair.label] if pair.label else None) for pair in pairs]
        for part, pairs in found.parts.items()
    }
    names = mending.class_names or found.class_names
    return replace(found, parts=parts, lists={}, known=None, class_names=names)


def folder_of(labels: Sequence[Path]) -> Path:
    """The deepest folder that all of them lie in."""
    return Path(os.path.commonpath([label.parent for label in labels]))


def names_for(found: Found, num_classes: int) -> tuple[str, ...]:
    """Class names from the annotations or from a file near the label maps; empty if none names all classes."""
    if found.class_names:
        return found.class_names if len(found.class_names) >= num_classes else ()
    folders = dict.fromkeys((found.root, folder_of(found.labels), folder_of(found.labels).parent))
    for path in (folder / name for folder in folders for name in (*NAME_FILES, "labelmap.txt")):
        names = _names_in(path) if path.is_file() else []
        if len(names) >= num_classes:
            return tuple(names)
    return ()


def _names_in(path: Path) -> list[str]:
    """One name a line, or the names of a colour table; empty where it is neither."""
    try:
        entries = {
            entry.class_id: entry.name for entry in reversed(read_colour_table(path)) if entry.class_id != IGNORED
        }
        return [entries[number] for number in sorted(entries)] if sorted(entries) == list(range(len(entries))) else []
    except DataError:
        pass
    try:
        names = [name for name in read_class_names(path) if not name.startswith("#")]
    except DataError:
        return []
    return names if len(set(names)) == len(names) else []


def _one_class(reason: str, value: int) -> Mending:
    return Mending(f"{reason}, where the class should be 1", NewIds({value: 1}), f"--ids {value}:1")


def _threshold(values: LabelValues) -> Mending:
    first = next(iter(values.lossy))
    if not all(values.lossy.values()):
        bad = next(path for path, plain in values.lossy.items() if not plain)
        raise DataError(
            f"{bad} is compressed with loss and not black and white, so that its class ids are lost; save the masks as "
            "PNG from the original annotation"
        )
    reason = (
        f"the masks are black and white and compressed with loss, first {first}: brightness from 128 on is the class"
    )
    return Mending(reason, Threshold(128), "--threshold 128")


def _colours(values: LabelValues, root: Path) -> Mending:
    first, shown = next(iter(values.coloured.items()))
    colours = set().union(*values.coloured.values())
    if len(colours) > MANY_COLOURS:
        raise DataError(
            f"{first} holds {'more than ' if len(shown) > MANY_COLOURS else ''}{len(shown)} colours: smoothed edges, "
            "or a photo; save masks without smoothing, one colour a class"
        )
    start = f"the masks show {len(colours)} classes as colours, first {first}"
    for path in (folder / name for folder in subfolders(root, 1) for name in TABLES):
        entries = _table(path) if path.is_file() else []
        if colours <= {entry.colour for entry in entries}:
            names = tuple(
                entry.name for entry in sorted(entries, key=lambda e: e.class_id) if entry.class_id != IGNORED
            )
            return Mending(f"{start}, as {path} names them", Colours(entries), f"--colors {path}", names)
    for name, kind in PALETTES.items():
        border = {VOC_BORDER: IGNORED} if kind is PascalVOC else {}
        entries = palette_entries(kind.palette or (), kind.class_names or (), border)
        if len(colours) > 2 and colours <= {entry.colour for entry in entries}:
            return Mending(f"{start}, those of {name}", Colours(entries), f"--colors {name}", kind.class_names or ())
    if values.looked < values.total:
        raise DataError(
            f"{start}: {_spelled(colours)}; what they mean is told nowhere. Write a table, labelmap.txt in {root} with "
            "'ID R G B NAME' a line, and run init again"
        )
    ordered = sorted(colours, key=lambda colour: (colour != (0, 0, 0), colour))
    guessed = [
        Entry(colour, number, f"colour_{'{:02x}{:02x}{:02x}'.format(*colour)}") for number, colour in enumerate(ordered)
    ]
    return Mending(
        f"{start}: {_spelled(colours)}; what they mean is told nowhere, so that black becomes class 0 and the others "
        f"follow in order (labelmap.txt in {root} with 'ID R G B NAME' a line would say it better)",
        Colours(guessed),
        "--colors TABLE",
        tuple(entry.name for entry in guessed),
    )


def _table(path: Path) -> list[Entry]:
    try:
        return read_colour_table(path)
    except DataError:
        return []


def _spelled(colours: set[tuple[int, int, int]]) -> str:
    return ", ".join(map(str, sorted(colours)[:6])) + (" ..." if len(colours) > 6 else "")


def _said(pixels: dict[int, int]) -> str:
    ids = [str(value) for value in sorted(pixels)]
    return ", ".join(ids[:12]) + (f" ... {ids[-1]}" if len(ids) > 12 else "")
