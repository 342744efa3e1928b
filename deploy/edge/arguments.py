"""What the programs of this folder have in common on the command line."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from engines import ENGINES
from errors import EdgeError


def add_model(parser: argparse.ArgumentParser) -> None:
    """The flags that say which model runs, and how."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="deploy.yaml of an export, or its folder"
    )
    parser.add_argument(
        "--engine", choices=("auto", *ENGINES), default="auto", help="default: the first installed that reads the model"
    )
    parser.add_argument(
        "--threads", type=positive, default=os.cpu_count() or 1, metavar="N", help="default: one for each core"
    )


def positive(text: str) -> int:
    """A whole number above zero."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"want a whole number above zero, got {text}")
    return value


def run_program(main: Callable[[], int]) -> None:
    """Run, and end with its exit code; with 2 and one paragraph where something can be mended."""
    try:
        sys.exit(main())
    except EdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
