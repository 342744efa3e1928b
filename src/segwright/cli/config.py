"""``segwright config FILE``: print the merged configuration with every default spelled out."""

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("config", help="print a merged, checked configuration", description=__doc__)
    parser.add_argument("config", type=Path, metavar="FILE", help="YAML file of the experiment")
    parser.add_argument(
        "--opts", nargs="+", default=[], metavar="KEY=VALUE", help="change config values: model.num_classes=3 iters=500"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print YAML on standard output."""
    from segwright.build import load_config
    from segwright.build.load import complete
    from segwright.config import to_yaml

    print(to_yaml(complete(load_config(args.config, args.opts))), end="")
