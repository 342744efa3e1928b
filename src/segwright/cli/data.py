"""``segwright data ...``: bring data sets into other forms, list, divide and check them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.data_coco import add_coco
from segwright.cli.data_known import add_known
from segwright.cli.data_labelme import add_labelme
from segwright.cli.data_leaks import add_leaks
from segwright.cli.data_list import add_list_command
from segwright.cli.data_masks import add_masks
from segwright.cli.data_split import add_split
from segwright.cli.flags import add_config, positive
from segwright.cli.section import add_section

if TYPE_CHECKING:
    from segwright.datasets import SegmentationDataset


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("data", help="convert, list, divide, check and pack data sets", description=__doc__)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=type(parser))
    for add in (add_labelme, add_coco, add_known, add_masks, add_list_command, add_split, add_leaks, add_pack):
        add(actions)


def add_pack(actions: argparse._SubParsersAction) -> None:
    """``segwright data pack``."""
    parser = actions.add_parser(
        "pack",
        help="a data set as a few large files",
        description="Put a data set's pictures and label maps into shards, as the webdataset library reads them, with "
        "an index for training from them: 'type: Packed'. Files are copied unchanged, and compared afterwards; what "
        "was written before an interruption is kept.",
    )
    add_config(parser)
    add_section(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets the shards and index.json")
    parser.add_argument(
        "--shard_mb", type=positive, default=256, metavar="N", help="size of a shard, put together in memory"
    )
    parser.set_defaults(run=run_pack)


def run_pack(args: argparse.Namespace) -> None:
    """Write shards and index; print the block to train from them."""
    from segwright.build import load_config
    from segwright.cli.setup import build_data
    from segwright.datasets.packed_write import pack

    config = load_config(args.config, args.opts)
    config.require(args.section, purpose="to pack its data")
    dataset = build_data(config, args.section)
    index = pack(dataset, args.out, shard_size=args.shard_mb << 20)
    print(f"{len(dataset)} samples are in {args.out}. To use them there, with the transforms as they are:\n")
    print(packed_block(args.section, dataset, index))


def packed_block(section: str, dataset: "SegmentationDataset", index: Path) -> str:
    """What stands in a configuration in place of the data set that was packed."""
    import yaml

    path, here = index.absolute(), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path  # as configurations name files
    block: dict[str, Any] = {"type": "Packed", "index": shown.as_posix(), "num_classes": dataset.num_classes}
    if dataset.ignore_index != 255:
        block["ignore_index"] = dataset.ignore_index
    if dataset.multilabel:
        block["multilabel"] = True
    return yaml.safe_dump({section: block}, sort_keys=False, allow_unicode=True).rstrip()
