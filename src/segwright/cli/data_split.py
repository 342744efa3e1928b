"""``segwright data split``: a list file in parts for training, validation and test."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.data_flags import add_list, add_overwrite, root_of
from segwright.cli.flags import add_switch, natural

if TYPE_CHECKING:
    from segwright.datasets import Pair

PARTS = ("train", "val", "test")
FEW = 3  # pictures a group, on average, from which on names look like those of videos

log = logging.getLogger("segwright")


def add_split(actions: argparse._SubParsersAction) -> None:
    """``segwright data split``."""
    parser = actions.add_parser(
        "split",
        help="divide a list into train, val and test",
        description="Write train.txt, val.txt and test.txt. Equal lists, flags and seeds give equal parts.",
    )
    add_list(parser)
    parser.add_argument(
        "--split", nargs=3, type=float, default=[0.7, 0.3, 0.0], metavar=("TRAIN", "VAL", "TEST"), help="shares, sum 1"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the chance")
    add_switch(parser, "--stratify", "each class in each part in proportion; reads the label maps")
    groups = parser.add_mutually_exclusive_group()
    groups.add_argument(
        "--group_by",
        choices=("none", "folder", "prefix"),
        default="none",
        help="what stays together: pictures of a folder, or those whose names differ only in a frame number",
    )
    groups.add_argument(
        "--group_regex",
        metavar="PATTERN",
        help="what stays together: pictures in whose paths the pattern's (groups) find the same",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="gets the lists; default: the folder of LIST")
    add_overwrite(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Divide, print what each part has, write."""
    from segwright.datasets import read_pairs
    from segwright.datasets.pair_folders import write_lists
    from segwright.datasets.split import split
    from segwright.errors import ConfigError

    root = root_of(args, args.list)
    pairs = list(dict.fromkeys(read_pairs(args.list, root, separator=args.separator, need_label=args.stratify)))
    groups = groups_of(args, [pair.image for pair in pairs])
    classes = class_sets(pairs) if args.stratify else None
    parts = split(len(pairs), args.split, seed=args.seed, groups=groups, classes=classes)
    folder = args.output or args.list.parent
    named = {name: part for name, part in zip(PARTS, parts, strict=True) if part}
    lists = {folder / f"{name}.txt": [pairs[index] for index in part] for name, part in named.items()}
    if args.list.resolve() in {path.resolve() for path in lists}:
        raise ConfigError(f"{args.list} would be replaced by a part of itself; rename it, or name another --output")
    write_lists(lists, root, args.separator, overwrite=args.overwrite)
    for name, part in named.items():
        counted = f", {len({groups[index] for index in part})} groups" if groups else ""
        print(f"{folder / name}.txt: {len(part)} pictures{counted}")
    if classes:
        print_presence(named, classes)


def groups_of(args: argparse.Namespace, images: Sequence[Path]) -> list[str] | None:
    """The group of each picture, or None if each is for itself."""
    from segwright.datasets.groups import groups_by_folder, groups_by_prefix, groups_by_regex

    if args.group_regex:
        return groups_by_regex(images, args.group_regex)
    if args.group_by == "folder":
        return groups_by_folder(images)
    prefixes = groups_by_prefix(images)
    if args.group_by == "prefix":
        return prefixes
    count = len(set(prefixes))
    if 1 < count <= len(images) / FEW:
        log.warning(
            "%d pictures have names like frames of %d videos: if they are, --group_by prefix keeps each on one side",
            len(images),
            count,
        )
    return None


def class_sets(pairs: "Sequence[Pair]") -> list[set[int]]:
    """The ids in each label map but 255.

    Raises:
        DataError: one of them cannot be read.
    """
    import numpy as np

    from segwright.cli.flags import cores
    from segwright.console import track
    from segwright.images import read_label
    from segwright.pipeline import in_order, threads

    def ids(pair: "Pair") -> set[int]:
        assert pair.label is not None
        return set(np.flatnonzero(np.bincount(read_label(pair.label).ravel())).tolist()) - {255}

    with threads(cores(), "labels") as pool:
        return list(track(in_order(pool, ids, pairs, depth=32), "reading label maps", total=len(pairs)))


def print_presence(parts: dict[str, list[int]], classes: Sequence[set[int]]) -> None:
    """In which share of each part's pictures a class is."""
    from rich import get_console
    from rich.table import Table

    table = Table("class", title="share of pictures with it", title_justify="left")
    for name in parts:
        table.add_column(name, justify="right")
    for class_id in sorted(set().union(*classes)):
        shares = [sum(class_id in classes[index] for index in part) / len(part) for part in parts.values()]
        table.add_row(str(class_id), *(f"{share:.3f}" for share in shares))
    get_console().print(table)
