"""``segwright data from_labelme`` and ``segwright data to_labelme``."""

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
    add_classes(parser, "default: IN/class_names.txt or, without it, all labels found, sorted, the background first")
    add_unlabelled(parser, "with a class list 255, else a class 0 before the others")
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
    add_with_background(parser)
    add_processes(parser)
    parser.set_defaults(run=run_to)


def run_from(args: argparse.Namespace) -> None:
    """Collect the labels, convert."""
    from segwright.convert import (
        CLASS_FILE,
        Classes,
        Painting,
        collect_labels,
        convert_labelme,
        find_labelme,
        read_class_names,
    )

    listed = args.classes or args.input / CLASS_FILE
    is_listed = args.classes is not None or listed.is_file()
    names = read_class_names(listed) if is_listed else collect_labels(find_labelme(args.input))
    background = args.unlabelled == "background" or (args.unlabelled is None and not is_listed)
    classes = Classes.of(names, background=background)
    report = convert_labelme(
        args.input,
        args.output,
        Painting(classes, args.use_multilabel, args.line_width, args.point_size),
        copy_images=args.copy_images,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
    say_classes(classes.names, classes.unlabelled)
    if args.copy_images:
        print(f"To list the pairs: segwright data list {args.output}")


def run_to(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import write_labelme

    pairs = listed_pairs(args)
    names = class_names(args.classes, pairs)
    report = write_labelme(
        pairs,
        args.output,
        root_of(args, args.list),
        names,
        hidden=hidden_classes(args, names),
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
