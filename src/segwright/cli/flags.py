"""Flags that several commands share, and the kinds of value they take."""

import argparse
import os
from pathlib import Path

BOOLEAN_WORDS = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}


def boolean(word: str) -> bool:
    """``True`` / ``False`` in any case, as command lines written for PaddleSeg spell booleans."""
    try:
        return BOOLEAN_WORDS[word.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"want True or False, got '{word}'") from None


def add_switch(parser: argparse._ActionsContainer, flag: str, help: str, *, default: bool = False) -> None:  # noqa: A002
    """A flag that is on when given alone, and takes True or False as well."""
    parser.add_argument(flag, type=boolean, nargs="?", const=True, default=default, metavar="True|False", help=help)


def positive(word: str) -> int:
    """A whole number of at least 1."""
    number = natural(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"want a whole number of at least 1, got {word}")
    return number


def natural(word: str) -> int:
    """A whole number of at least 0."""
    try:
        number = int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"want a whole number, got '{word}'") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"want a whole number of at least 0, got {word}")
    return number


def add_config(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--opts``."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML file of the experiment")
    parser.add_argument(
        "--opts", nargs="+", default=[], metavar="KEY=VALUE", help="change config values: model.num_classes=3 iters=500"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="auto, cpu, gpu, cuda:1 or mps; auto takes a GPU where there is one",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """``--model_path``."""
    parser.add_argument(
        "--model_path",
        metavar="PATH",
        help=".safetensors, .pth or .pdparams file, an archive with it, its folder, or a URL, which may end in "
        "#sha256=...; default: the config's pretrained",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--num_workers``."""
    parser.add_argument(
        "--num_workers",
        type=natural,
        default=default_workers(),
        metavar="N",
        help="processes that read pictures ahead; 0 is a thread; default: up to 4, one core left (%(default)s here)",
    )


def default_workers() -> int:
    """Reading processes for this machine: up to 4, with a core left for training; 0 on a single core."""
    return min(4, cores() - 1)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def add_inference(parser: argparse.ArgumentParser, augment: str) -> None:
    """Flip, scale and sliding-window flags; ``augment`` names the one that switches scales and flips on."""
    group = parser.add_argument_group("inference")
    add_switch(group, f"--{augment}", "average the logits over --scales and flips")
    group.add_argument("--scales", type=float, nargs="+", default=[1.0], metavar="S", help=f"with --{augment}")
    add_switch(group, "--flip_horizontal", f"with --{augment}: also mirrored left to right")
    add_switch(group, "--flip_vertical", f"with --{augment}: also mirrored top to bottom")
    add_switch(group, "--is_slide", "predict in overlapping windows of --crop_size, --stride apart")
    group.add_argument("--crop_size", type=positive, nargs=2, metavar=("W", "H"), help="window, width first")
    group.add_argument("--stride", type=positive, nargs=2, metavar=("W", "H"), help="step between windows, width first")
    group.add_argument(
        "--blend",
        choices=("uniform", "gaussian"),
        default="uniform",
        help="how much windows count where they overlap: all alike, as in PaddleSeg, or less towards their borders",
    )
    group.add_argument(
        "--batch_pixels",
        type=positive,
        metavar="N",
        help="windows and flips go through the model together up to so many pixels, which takes memory accordingly; "
        "default: 1048576, as in four windows of 512x512",
    )
