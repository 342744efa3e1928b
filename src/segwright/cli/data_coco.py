"""``segwright data from_coco`` and ``segwright data to_coco``."""

import argparse
from pathlib import Path

from segwright.cli.data_flags import (
    add_classes,
    add_list,
    add_processes,
    add_stack,
    add_unlabelled,
    add_with_background,
    class_names,
    hidden_classes,
    listed_pairs,
    root_of,
    say_classes,
)


def add_coco(actions: argparse._SubParsersAction) -> None:
    """Both commands."""
    parser = actions.add_parser(
        "from_coco",
        help="a COCO JSON file as label maps",
        description="Write a label map for each picture that the file lists, at its place and name in .png, and "
        "class_names.txt. Polygons and run lengths become the pixels that COCO's own library gives. Where annotations "
        "overlap, the smaller one is on top; crowds lie below all others. A category __ignore__ becomes 255.",
    )
    parser.add_argument("input", type=Path, metavar="JSON", help="annotations of instances or stuff")
    parser.add_argument("output", type=Path, metavar="OUT", help="folder that gets the label maps")
    parser.add_argument(
        "--ids",
        choices=("dense", "keep"),
        default="dense",
        help="dense: classes in the order of the categories, without gaps; keep: the categories' own numbers",
    )
    add_unlabelled(parser, "class 0, unless a category has that number, then 255")
    parser.add_argument(
        "--crowd",
        choices=("paint", "ignore", "skip"),
        default="paint",
        help="what regions marked iscrowd become: their class, 255, or nothing",
    )
    add_stack(parser)
    add_processes(parser)
    parser.set_defaults(run=run_from)

    parser = actions.add_parser(
        "to_coco",
        help="label maps as a COCO JSON file",
        description="Write one COCO file whose categories are the classes. from_coco --ids keep gives the label maps "
        "back to the pixel. It is written in one step at the end.",
    )
    add_list(parser)
    parser.add_argument("output", type=Path, metavar="JSON", help="the file to write")
    add_classes(parser, "default: class_0, class_1 ...")
    parser.add_argument(
        "--segmentation",
        choices=("polygons", "rle"),
        default="polygons",
        help="polygons: an annotation for each connected part; rle: compressed run lengths, one for each class",
    )
    add_with_background(parser)
    add_processes(parser)
    parser.set_defaults(run=run_to)


def run_from(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import convert_coco, dense_ids, kept_ids, read_coco

    pictures, names = read_coco(args.input)
    number = dense_ids if args.ids == "dense" else kept_ids
    categories = number(names, background=args.unlabelled != "ignore")
    report = convert_coco(
        pictures,
        categories,
        args.output,
        multilabel=args.use_multilabel,
        crowd=args.crowd,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
    say_classes(categories.names, categories.unlabelled)


def run_to(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import write_coco

    pairs = listed_pairs(args)
    names = class_names(args.classes, pairs)
    report = write_coco(
        pairs,
        args.output,
        root_of(args, args.list),
        names,
        kind=args.segmentation,
        hidden=hidden_classes(args, names),
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
