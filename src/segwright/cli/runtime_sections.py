"""The sections ``global`` and ``train``, in which newer files of PaddleSeg keep what flags say.

``test`` is of the same kind; ``cli.setup`` reads it together with ``test_config``.
"""

import argparse
from typing import Any

from segwright.config import Config
from segwright.errors import ConfigError

IMPOSSIBLE: dict[str, tuple[Any, ...]] = {  # values that ask for nothing; any other asks for what is not there
    "data_format": ("NCHW", None),
    "amp_level": ("O1", None),
    "use_ema": (False, None),
    "profiler_options": (None,),
}


def take_sections(config: Config, args: argparse.Namespace, *names: str) -> None:
    """Set the flags that the command line leaves open as the sections ``names`` say, and check what they ask for.

    A file's ``device: gpu`` is PaddleSeg's default and a wish: without a GPU the CPU does.

    Raises:
        ConfigError: a section asks for what segwright cannot do, or holds a value that its flag does not take.
    """
    for name in names:
        for key, value in (config.section(name) or {}).items():
            where = config.source.where(name, key)
            if key in IMPOSSIBLE:
                if value not in IMPOSSIBLE[key]:
                    raise ConfigError(f"{where}: {key} {value} is not supported; remove the line")
            elif value is not None and key in vars(args) and key not in args.given:
                setattr(args, key, _converted(args.parser, key, value, where))


def _converted(parser: argparse.ArgumentParser, key: str, value: Any, where: str) -> Any:
    """The value as if it had come by its flag."""
    if key == "device" and value == "gpu":
        return "auto"
    action = next(action for action in parser._actions if action.dest == key)
    try:
        return parser._get_values(action, [str(value)])
    except argparse.ArgumentError as error:
        raise ConfigError(f"{where}: {error.message}") from error
