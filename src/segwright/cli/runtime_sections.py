"""The sections ``global`` and ``train``, in which newer files of PaddleSeg keep what flags say.

``test`` is of the same kind; ``cli.setup`` reads it together with ``test_config``.
"""

import argparse
from typing import Any

from segwright.config import Config
from segwright.errors import ConfigError

UNCHOSEN = {("device", "gpu"), ("data_format", "NCHW")}
"""PaddleSeg's defaults, which its files spell out: a GPU where there is one, and the layout of its tensors."""


def take_sections(config: Config, args: argparse.Namespace, *names: str) -> None:
    """Set the flags that the command line leaves open as the sections ``names`` say, and check what they ask for.

    Raises:
        ConfigError: a section holds a value that its flag does not take.
    """
    for name in names:
        for key, value in (config.section(name) or {}).items():
            if value is None or (key, value) in UNCHOSEN or key not in vars(args) or key in args.given:
                continue
            setattr(args, key, _converted(args.parser, key, value, config.source.where(name, key)))


def _converted(parser: argparse.ArgumentParser, key: str, value: Any, where: str) -> Any:
    """The value as if it had come by its flag."""
    action = next(action for action in parser._actions if action.dest == key)
    try:
        return parser._get_values(action, [str(value)])
    except argparse.ArgumentError as error:
        raise ConfigError(f"{where}: {error.message}") from error
