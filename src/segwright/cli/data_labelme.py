"""``segwright data from_labelme`` and ``segwright data to_labelme``."""

import argparse
from pathlib import Path

from segwright.cli.data_flags import (
    add_classes,
    add_list,
    add_processes,
    add_stack,
    add_unlabelled,
    class_names,
    listed_pairs,
    root_of,
)
from segwright.cli.flags import add_switch, natural, positive


def add_labelme(actions: argparse._SubParsersAction) -> None:
    """Both commands."""
    parser = actions.add_parser(
        "from_labelme",
        help="labelme's JSON files as label maps",
        description="Make pictures (OUT/images), label maps (OUT/annotations) and class_names.txt of labelme's files. "
        "Shapes of all types are painted in their order, pixel for pixel as labelme paints them; the label __ignore__ "
        "becomes 255.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="folder with .json files, sub-folders included")
    parser.add_argument("output", type=Path, metavar="OUT", help="folder of the data set to write")
    add_classes(parser, "default: all labels found, sorted, the background first")
    add_unlabelled(parser)
    add_stack(parser)
    add_switch(parser, "--copy_images", "put the pictures into OUT/images, unchanged", default=True)
    parser.add_argument("--line_width", type=positive, default=10, metavar="PX", help="of lines, in pixels")
    parser.add_argument("--point_size", type=natural, default=5, metavar="PX", help="radius of points, in pixels")
    add_processes(parser)
    parser.set_defaults(run=run_from)

    parser = actions.add_parser(
        "to_labelme",
        help="label maps as labelme's JSON files",
        description="Write a file for each picture that labelme opens to correct its label map. from_labelme gives the "
        "label map back to the pixel.",
    )
    add_list(parser)
    parser.add_argument("output", type=Path, metavar="OUT", help="folder that gets the .json files")
    add_classes(parser, "default: class_0, class_1 ...")
    add_switch(parser, "--with_background", "also draw class 0, not only where it fills holes")
    add_processes(parser)
    parser.set_defaults(run=run_to)


def run_from(args: argparse.Namespace) -> None:
    """Collect the labels, convert."""
    from segwright.convert import Classes, Painting, collect_labels, convert_labelme, find_labelme, read_class_names

    names = read_class_names(args.classes) if args.classes else collect_labels(find_labelme(args.input))
    classes = Classes.of(names, background=args.unlabelled == "background")
    report = convert_labelme(
        args.input,
        args.output,
        Painting(classes, args.use_multilabel, args.line_width, args.point_size),
        copy_images=args.copy_images,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
    print(f"{len(classes.names)} classes: {', '.join(classes.names)}")
    if args.copy_images:
        print(f"To list the pairs: segwright data list {args.output}")


def run_to(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import write_labelme

    pairs = listed_pairs(args)
    report = write_labelme(
        pairs,
        args.output,
        root_of(args, args.list),
        class_names(args.classes, pairs),
        hidden=() if args.with_background else (0,),
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
