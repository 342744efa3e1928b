"""Flags and steps that the commands under ``segwright data`` share."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.flags import add_switch, cores, natural

if TYPE_CHECKING:
    from segwright.convert import Entry
    from segwright.images import Palette

Pairs = list[tuple[Path, Path]]


def add_processes(parser: argparse.ArgumentParser) -> None:
    """``--num_workers`` and ``--overwrite``."""
    parser.add_argument(
        "--num_workers",
        type=natural,
        default=cores(),
        metavar="N",
        help="processes that convert; 0 converts in this one; default: one for each core (%(default)s here)",
    )
    add_overwrite(parser)


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """``--overwrite``."""
    add_switch(parser, "--overwrite", "replace results that are there; without it they are kept as they are")


def add_classes(parser: argparse.ArgumentParser, help: str) -> None:  # noqa: A002 - as argparse calls it
    """``--classes``."""
    parser.add_argument("--classes", type=Path, metavar="FILE", help=f"text, one name a line, class 0 first; {help}")


def add_unlabelled(parser: argparse.ArgumentParser, default: str) -> None:
    """``--unlabelled``."""
    parser.add_argument(
        "--unlabelled",
        choices=("background", "ignore"),
        help="what pixels without annotation are where no class is called background or _background_: background, a "
        f"class 0 before the others, or ignore, 255, which does not count; default: {default}",
    )


def add_with_background(parser: argparse.ArgumentParser) -> None:
    """``--with_background``."""
    add_switch(parser, "--with_background", "also outline the class called background or _background_")


def hidden_classes(args: argparse.Namespace, names: list[str]) -> list[int]:
    """The classes that are not outlined."""
    from segwright.convert import is_background

    return [] if args.with_background else [index for index, name in enumerate(names) if is_background(name)]


def say_classes(names: Sequence[str], unlabelled: int) -> None:
    """What the ids mean."""
    what = f"{unlabelled}, {names[unlabelled]}" if unlabelled < len(names) else "255, which does not count"
    print(f"{len(names)} classes: {', '.join(names)}; pixels without annotation are {what}")


def add_stack(parser: argparse.ArgumentParser) -> None:
    """``--use_multilabel``."""
    add_switch(
        parser,
        "--use_multilabel",
        "keep what overlaps: write a map of 0 and 1 for each class but the background, side by side in one file, as "
        "data sets with multilabel: True read them",
    )


def add_list(parser: argparse.ArgumentParser) -> None:
    """A list of pictures and label maps, ``--dataset_root`` and ``--separator``."""
    parser.add_argument("list", type=Path, metavar="LIST", help="list file, 'picture label' a line; see data list")
    add_root(parser)


def add_root(parser: argparse.ArgumentParser) -> None:
    """``--dataset_root`` and ``--separator``."""
    parser.add_argument(
        "--dataset_root",
        type=Path,
        metavar="DIR",
        help="folder that names in lists are relative to; default: the list's own folder",
    )
    parser.add_argument(
        "--separator", type=separator, default=" ", metavar="S", help="between picture and label; \\t is a tab"
    )


def separator(word: str) -> str:
    """What separates, with ``\\t`` for a tab, which is hard to type."""
    if not word:
        raise argparse.ArgumentTypeError("want at least one character")
    return word.replace("\\t", "\t")


def root_of(args: argparse.Namespace, path: Path) -> Path:
    """The folder that names in the list file ``path`` are relative to."""
    return args.dataset_root or path.parent


def listed_pairs(args: argparse.Namespace) -> Pairs:
    """The pictures and label maps of ``add_list``."""
    from segwright.datasets import read_pairs

    pairs = read_pairs(args.list, root_of(args, args.list), separator=args.separator)
    return [(image, label) for image, label in pairs if label is not None]


def class_names(path: Path | None, pairs: Pairs) -> list[str]:
    """Names from a file or, without one, ``class_0`` and so on up to the highest id of the label maps but 255.

    Raises:
        DataError: the file names nothing, or there is none and a label map cannot be read.
    """
    from segwright.console import track
    from segwright.convert import read_class_names
    from segwright.images import read_label

    if path:
        return read_class_names(path)
    highest = 0
    for _, label in track(pairs, "looking for classes"):
        ids = read_label(label)
        highest = max(highest, int(ids[ids != 255].max(initial=0)))
    return [f"class_{number}" for number in range(highest + 1)]


def colour_entries(word: str) -> "list[Entry]":
    """The colour table in a file, or that of a data set which ``word`` names.

    Raises:
        DataError: the file is no colour table.
        ConfigError: there is neither such a file nor such a data set.
    """
    from segwright import datasets
    from segwright.convert import palette_entries, read_colour_table
    from segwright.errors import ConfigError, suggest
    from segwright.registry import DATASETS

    if Path(word).is_file():
        return read_colour_table(Path(word))
    known = {name.lower(): DATASETS[name] for name in datasets.__all__ if name in DATASETS}
    coloured = {name: palette for name, found in known.items() if (palette := getattr(found, "palette", None))}
    if word.lower() not in coloured:
        raise ConfigError(
            f"there is no file {word}, and no data set of that name with colours; {suggest(word, coloured)}"
        )
    found = known[word.lower()]
    border = {(224, 224, 192): 255} if found is datasets.PascalVOC else {}
    return palette_entries(coloured[word.lower()], getattr(found, "class_names", ()), border)


def palette_of(entries: "list[Entry]") -> "Palette":
    """Colours by class id: a class's first one, and the default where the table has none."""
    from segwright.images import default_palette

    palette = default_palette(256)
    for entry in reversed(entries):
        palette[entry.class_id] = entry.colour
    return palette


def names_of(entries: "list[Entry]") -> list[str]:
    """Class names by id, as far as they are told without a gap."""
    told = {entry.class_id: entry.name for entry in reversed(entries) if entry.name}
    count = next(number for number in range(len(told) + 1) if number not in told)
    return [told[number] for number in range(count)]
