"""Flags of the commands that measure on several engines."""

import argparse
from collections.abc import Sequence

from segwright.cli.flags import positive
from segwright.errors import ConfigError

ENGINE_NAMES = ("onnxruntime", "openvino", "executorch", "torch")


def add_engines(parser: argparse.ArgumentParser, purpose: str) -> None:
    """``--engines`` and ``--cpu_threads``; ``purpose`` begins the help of the first."""
    parser.add_argument(
        "--engines", nargs="+", choices=(*ENGINE_NAMES, "all"), default=[], metavar="NAME", help=purpose
    )
    parser.add_argument(
        "--cpu_threads",
        type=positive,
        metavar="N",
        help="threads that each engine computes with; default: up to 10, one for each core",
    )


def engines_of(asked: Sequence[str]) -> tuple[list[str], bool]:
    """The engines that ``--engines`` names, each once, and whether those that cannot take part may be left out.

    Raises:
        ConfigError: ``all`` is not alone.
        MissingExtraError: one that is named is not installed.
    """
    from segwright.runtime.engines import require

    if "all" in asked:
        if set(asked) > {"all"}:
            raise ConfigError("--engines all stands alone: it means every engine that is installed")
        return list(ENGINE_NAMES), True
    names = list(dict.fromkeys(asked))
    for name in names:
        require(name)
    return names, False
