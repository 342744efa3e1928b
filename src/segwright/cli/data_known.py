"""Commands that bring the published files of known data sets into the form in which they are trained on."""

import argparse
from pathlib import Path

from segwright.cli.data_flags import add_processes


def add_known(actions: argparse._SubParsersAction) -> None:
    """All of them, under the names and flags of PaddleSeg's tools."""
    parser = actions.add_parser(
        "convert_cityscapes",
        help="Cityscapes' polygons as label maps",
        description="Write *_labelTrainIds.png beside each *_polygons.json, as cityscapesscripts does.",
    )
    parser.add_argument("--cityscapes_path", type=Path, required=True, metavar="DIR", help="folder with gtFine/")
    parser.add_argument(
        "--encoding",
        choices=("trainIds", "ids"),
        default="trainIds",
        help="trainIds: the 19 classes and 255; ids: the data set's own 34 (*_labelIds.png)",
    )
    add_processes(parser)
    parser.set_defaults(run=run_cityscapes)

    parser = actions.add_parser(
        "convert_cocostuff",
        help="COCO-Stuff's label maps with its 171 classes",
        description="Translate the published numbers, 0 to 181 with gaps, to the classes 0 to 170. Training does that "
        "by itself as well; converted files serve other programs too.",
    )
    parser.add_argument("--annotation_path", type=Path, default=Path("annotations"), metavar="DIR", help="published")
    parser.add_argument("--save_path", type=Path, default=Path("convert_annotations"), metavar="DIR", help="converted")
    add_processes(parser)
    parser.set_defaults(run=run_cocostuff)

    parser = actions.add_parser(
        "convert_voc2010",
        help="PASCAL Context as label maps of 60 classes",
        description="Write VOC2010/Context and the lists *_context.txt.",
    )
    parser.add_argument("--voc_path", type=Path, required=True, metavar="DIR", help="VOC2010")
    parser.add_argument(
        "--annotation_path",
        type=Path,
        required=True,
        metavar="PATH",
        help="trainval_merged.json, its folder, or the folder of the original .mat files of 459 labels",
    )
    parser.add_argument(
        "--background",
        choices=("class", "ignore"),
        default="class",
        help="what is none of the 59 classes: class 0 before them, or 255, and they start at 0 as in PaddleSeg's tool",
    )
    add_processes(parser)
    parser.set_defaults(run=run_context)

    parser = actions.add_parser(
        "voc_augment",
        help="more pictures for PASCAL VOC, from SBD",
        description="Write VOC2012/SegmentationClassAug and aug.txt from the Semantic Boundaries Dataset.",
    )
    parser.add_argument("--voc_path", type=Path, required=True, metavar="DIR", help="VOCdevkit")
    parser.add_argument(
        "--sbd_path", type=Path, required=True, metavar="DIR", help="SBD's unpacked archive, benchmark_RELEASE"
    )
    add_processes(parser)
    parser.set_defaults(run=run_voc)


def run_cityscapes(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import convert_cityscapes
    from segwright.datasets import Cityscapes
    from segwright.images import default_palette

    report = convert_cityscapes(
        args.cityscapes_path,
        Cityscapes.palette if args.encoding == "trainIds" else default_palette(34),
        encoding=args.encoding,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.cityscapes_path)


def run_cocostuff(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import NewIds, convert_masks
    from segwright.datasets.coco_stuff import PUBLISHED

    read = NewIds(PUBLISHED, others=255)
    report = convert_masks(
        args.annotation_path, args.save_path, read, num_workers=args.num_workers, overwrite=args.overwrite
    )
    report.conclude(args.save_path)


def run_context(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import convert_context

    report = convert_context(
        args.voc_path,
        args.annotation_path,
        background=args.background,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    report.conclude(args.voc_path)


def run_voc(args: argparse.Namespace) -> None:
    """Convert."""
    from segwright.convert import augment_voc
    from segwright.datasets import PascalVOC
    from segwright.images import default_palette

    palette = PascalVOC.palette or default_palette(PascalVOC.num_classes)
    report = augment_voc(args.voc_path, args.sbd_path, palette, num_workers=args.num_workers, overwrite=args.overwrite)
    report.conclude(args.voc_path)
