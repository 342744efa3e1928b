"""``--use_multilabel``: data in which a pixel may have several labels."""

import argparse
from typing import TYPE_CHECKING

from segwright.cli.flags import add_switch
from segwright.errors import ConfigError

if TYPE_CHECKING:
    from segwright.config import Config


def add_multilabel(parser: argparse.ArgumentParser) -> None:
    """``--use_multilabel``."""
    add_switch(
        parser,
        "--use_multilabel",
        "a pixel may have several labels, or none: label files hold a map of 0 and 1 for each class, side by side; the "
        "same as multilabel: True in the config's data sets",
    )


def set_multilabel(config: "Config", args: argparse.Namespace) -> None:
    """Have the config's data sets read as ``--use_multilabel`` says, if it is given.

    Raises:
        ConfigError: a data set whose label files are known to hold one class a pixel.
    """
    from segwright.config.signature import accepts
    from segwright.registry import DATASETS

    if "use_multilabel" not in args.given:
        return
    for section in ("train_dataset", "val_dataset"):
        block = config.source.data.get(section)
        if not block:
            continue
        if accepts(DATASETS[block["type"]], "multilabel"):
            block["multilabel"] = args.use_multilabel
            config.source.places[(section, "multilabel")] = "--use_multilabel"
        elif args.use_multilabel:
            raise ConfigError(
                f"{config.source.where(section)}: label maps of {block['type']} hold one class a pixel; "
                "leave out --use_multilabel, or list files with several in a data set of type Dataset"
            )
