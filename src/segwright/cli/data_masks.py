"""``segwright data remap``, ``pseudo_color`` and ``overlay``: masks in other forms, and to be looked at."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.data_flags import (
    add_classes,
    add_list,
    add_processes,
    colour_entries,
    listed_pairs,
    names_of,
    palette_of,
    root_of,
)
from segwright.cli.flags import add_switch, natural

if TYPE_CHECKING:
    from segwright.convert.remap import ReadIds

TABLE = "text with 'ID R G B NAME' a line, CVAT's labelmap.txt, or a data set's name: cityscapes, pascalvoc, camvid ..."


def add_masks(actions: argparse._SubParsersAction) -> None:
    """All three commands."""
    parser = actions.add_parser(
        "remap",
        help="colours, 0/255 masks or other ids as label maps",
        description="Write label maps of masks in another form; say which with one of --ids, --colors and --threshold.",
    )
    parser.add_argument(
        "input", type=Path, metavar="IN", help="a mask, a folder of masks, or a text file that lists some"
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="folder that gets the label maps, in .png")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument(
        "--ids", type=id_pair, nargs="+", metavar="OLD:NEW", help="255:1 makes a label map of a 0/255 mask; all at once"
    )
    form.add_argument("--colors", metavar="TABLE", help=TABLE)
    form.add_argument(
        "--threshold",
        type=natural,
        metavar="N",
        help="brightness from N on is 1, below it 0; for JPEG and blurred masks",
    )
    parser.add_argument(
        "--others", type=natural, metavar="ID", help="what other ids or colours become; default: ids stay, colours fail"
    )
    parser.add_argument(
        "--tolerance", type=natural, default=0, metavar="N", help="with --colors: how far off a colour may be, 0 to 255"
    )
    add_processes(parser)
    parser.set_defaults(run=run_remap)

    parser = actions.add_parser(
        "pseudo_color",
        help="label maps that look coloured",
        description="Give label maps a palette. The stored ids stay, so that the files serve for training as before.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="a label map, a folder, or a text file that lists some")
    parser.add_argument("output", type=Path, metavar="OUT", help="folder that gets the coloured label maps")
    parser.add_argument("--colors", metavar="TABLE", help=f"{TABLE}; default: VOC's colours, class 0 black")
    add_processes(parser)
    parser.set_defaults(run=run_color)

    parser = actions.add_parser(
        "overlay", help="annotations over their pictures", description="Draw each label map over its picture, as .jpg."
    )
    add_list(parser)
    parser.add_argument("output", type=Path, metavar="OUT", help="folder that gets the overlays")
    parser.add_argument("--colors", metavar="TABLE", help=f"{TABLE}; default: VOC's colours, class 0 shows the picture")
    add_classes(parser, "adds a legend, as names in --colors do")
    parser.add_argument("--weight", type=float, default=0.6, metavar="W", help="share of the picture, 0 to 1")
    add_switch(parser, "--use_multilabel", "label files hold a map for each class, side by side")
    add_processes(parser)
    parser.set_defaults(run=run_overlay)


def id_pair(word: str) -> tuple[int, int]:
    """``255:1``."""
    old, colon, new = word.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"want OLD:NEW, as 255:1, got '{word}'")
    return natural(old), natural(new)


def run_remap(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import convert_masks

    report = convert_masks(
        args.input, args.output, reader(args), num_workers=args.num_workers, overwrite=args.overwrite
    )
    report.conclude(args.output)


def reader(args: argparse.Namespace) -> "ReadIds":
    """What makes ids of a mask, as the flags say.

    Raises:
        ConfigError: flags that do not belong together.
    """
    from segwright.convert import Colours, NewIds, Threshold
    from segwright.errors import ConfigError

    if args.tolerance and not args.colors:
        raise ConfigError("--tolerance is for colours: add --colors TABLE")
    if args.others is not None and args.others > 255:
        raise ConfigError(f"--others is an id, 0 to 255, got {args.others}")
    if args.colors:
        return Colours(colour_entries(args.colors), args.tolerance, args.others)
    if args.ids:
        olds = [old for old, _ in args.ids]
        twice = {old for old in olds if olds.count(old) > 1}
        if twice:
            raise ConfigError(
                f"--ids names {', '.join(map(str, sorted(twice)))} more than once; say one new id for each"
            )
        return NewIds(dict(args.ids), args.others)
    if args.others is not None:
        raise ConfigError("--others has no meaning with --threshold, which leaves no others")
    if not 1 <= args.threshold <= 255:
        raise ConfigError(f"--threshold is a brightness, 1 to 255, got {args.threshold}: all pixels would be the same")
    return Threshold(args.threshold)


def run_color(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import convert_masks
    from segwright.images import read_label

    palette = palette_of(colour_entries(args.colors)) if args.colors else None
    report = convert_masks(
        args.input, args.output, read_label, palette, num_workers=args.num_workers, overwrite=args.overwrite
    )
    report.conclude(args.output)


def run_overlay(args: argparse.Namespace) -> None:
    """Draw."""
    from segwright.convert import Look, read_class_names, write_overlays
    from segwright.errors import ConfigError
    from segwright.images import default_palette

    if not 0 <= args.weight <= 1:
        raise ConfigError(f"--weight is a share, 0 to 1, got {args.weight:g}")
    names = read_class_names(args.classes) if args.classes else []
    if args.colors:
        entries = colour_entries(args.colors)
        palette = palette_of(entries)
        names = names or names_of(entries)
    else:
        palette = default_palette(257)[1:] if args.use_multilabel else default_palette(256)
    report = write_overlays(
        listed_pairs(args),
        args.output,
        root_of(args, args.list),
        Look(palette, names, args.weight, args.use_multilabel),
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.output)
