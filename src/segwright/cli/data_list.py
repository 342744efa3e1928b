"""``segwright data list``: list files from folders."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.data_flags import add_overwrite, separator
from segwright.cli.flags import add_switch

if TYPE_CHECKING:
    from segwright.datasets import Pair
    from segwright.datasets.pair_folders import NameRule

PARTS = ("train", "val", "test")


def add_list_command(actions: argparse._SubParsersAction) -> None:
    """``segwright data list``."""
    parser = actions.add_parser(
        "list",
        help="write list files from folders",
        description="Match pictures with label maps of the same name and sub-folder, and list them: ROOT/train.txt for "
        "the sub-folders train of both folders, and so on, or ROOT/list.txt if there are no such sub-folders.",
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="the data set's folder")
    parser.add_argument(
        "--folder",
        nargs=2,
        default=["images", "annotations"],
        metavar=("IMAGES", "LABELS"),
        help="folders of pictures and label maps, below ROOT",
    )
    parser.add_argument(
        "--second_folder",
        nargs="*",
        metavar="PART",
        help="sub-folders, each of which becomes a list; default: those of train, val and test that are there",
    )
    parser.add_argument(
        "--format", nargs=2, metavar=("IMAGE", "LABEL"), help="file formats, as jpg png; default: all pictures, and png"
    )
    parser.add_argument(
        "--postfix",
        nargs=2,
        default=["", ""],
        metavar=("IMAGE", "LABEL"),
        help="what names end in before the format, as _leftImg8bit _gtFine_labelTrainIds; it need not agree",
    )
    parser.add_argument(
        "--type",
        choices=("custom", "cityscapes"),
        default="custom",
        help="cityscapes sets --folder, --format and --postfix for that data set",
    )
    parser.add_argument("--separator", type=separator, default=" ", metavar="S", help="\\t is a tab")
    parser.add_argument("--output", type=Path, metavar="DIR", help="gets the lists; default: ROOT")
    add_switch(parser, "--skip_unpaired", "list what belongs together even if files are left over")
    add_overwrite(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Match, report, write."""
    from segwright.datasets.pair_folders import NameRule, write_lists
    from segwright.images import IMAGE_SUFFIXES

    if args.type == "cityscapes":
        args.folder, args.format = ["leftImg8bit", "gtFine"], ["png", "png"]
        args.postfix = ["_leftImg8bit", "_gtFine_labelTrainIds"]
    images, labels = (args.root / name for name in args.folder)
    suffixes = (
        [(f".{name.lower().lstrip('.')}",) for name in args.format] if args.format else [IMAGE_SUFFIXES, (".png",)]
    )
    rules = [NameRule(postfix, tuple(kinds)) for postfix, kinds in zip(args.postfix, suffixes, strict=True)]
    parts = args.second_folder
    if parts is None:
        parts = [part for part in PARTS if (images / part).is_dir()]
    found = {part: pairs_of(images / part, labels / part, rules, args.skip_unpaired) for part in parts or [""]}
    folder = args.output or args.root
    lists = {folder / f"{part or 'list'}.txt": pairs for part, pairs in found.items()}
    write_lists(lists, args.root, args.separator, overwrite=args.overwrite)
    for path, pairs in lists.items():
        print(f"{path}: {len(pairs)} pictures{'' if pairs[0].label else ', without label maps'}")


def pairs_of(images: Path, labels: Path, rules: "list[NameRule]", skip_unpaired: bool) -> "list[Pair]":
    """The pairs of one part; pictures alone where it has no folder of label maps, as in test sets.

    Raises:
        DataError: files are left over, and that was not allowed.
    """
    import logging

    from segwright.datasets import Pair
    from segwright.datasets.pair_folders import pair_folders
    from segwright.errors import DataError

    if images.name == "test" and images.is_dir() and not labels.is_dir():
        pictures = [Pair(path, None) for paths in rules[0].files(images).values() for path in paths]
        if not pictures:
            raise DataError(f"no pictures in {images}")
        return pictures
    pairing = pair_folders(images, labels, *rules)
    leftovers = pairing.leftovers()
    if leftovers and not skip_unpaired:
        raise DataError(f"{leftovers}. Add what is missing, or list only what belongs together with --skip_unpaired")
    if leftovers:
        logging.getLogger("segwright").warning("%s", leftovers)
    return pairing.pairs
