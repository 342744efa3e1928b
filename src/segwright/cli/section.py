"""The flag that says which data set of a configuration is meant."""

import argparse


def add_section(parser: argparse.ArgumentParser) -> None:
    """``--section``."""
    parser.add_argument(
        "--section",
        choices=("train_dataset", "val_dataset"),
        default="train_dataset",
        help="which data set of the configuration",
    )
