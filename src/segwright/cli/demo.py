"""``segwright demo``: train, evaluate, predict, export and infer on generated pictures, and a page that shows it."""

import argparse
from pathlib import Path

from segwright.cli.flags import add_switch


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="see everything work in a few minutes",
        description="Draw pictures of the retina, train a model that finds the optic disc, evaluate, predict, export "
        "and infer with it, and write a page about it. Exit code 1 if the score is poor or the export disagrees.",
    )
    parser.add_argument(
        "--save_dir", type=Path, default=Path("output/demo"), metavar="DIR", help="new, empty, or a demo's"
    )
    add_switch(parser, "--open", "show the page in a browser at the end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; 1 if what came out is not good enough."""
    import webbrowser

    from segwright.demo.run import WANTED_MIOU, run_demo

    result = run_demo(args.save_dir)
    address = result.page.absolute().as_uri()
    print(
        f"\nmIoU {result.miou:.4f} on unseen pictures (wanted: above {WANTED_MIOU}); model and export agree on "
        f"{result.agreement.same:,} of {result.agreement.pixels:,} pixels\n{address}"
    )
    if args.open:
        webbrowser.open(address)
    return 0 if result.passed else 1
