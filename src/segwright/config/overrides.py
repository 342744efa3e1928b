"""``--opts key.path=value``: changes to a configuration from the command line."""

import ast
from collections.abc import Sequence
from typing import Any

from segwright.config.source import Source
from segwright.errors import ConfigError

_WORDS = {"null": None, "true": True, "false": False}


def apply_opts(source: Source, opts: Sequence[str]) -> None:
    """Set values by dotted key path, in place: ``model.num_classes=3``, ``val_dataset.transforms.0.type=Resize``.

    A value is a Python literal where it reads as one, else text; ``null``, ``true`` and ``false`` mean what they
    mean in YAML. Dictionaries that a path needs are made; list elements must exist.

    Raises:
        ConfigError: an option has no ``=``, or its path runs through something that has no keys.
    """
    for option in opts:
        path, equals, text = option.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"--opts {option}: want key.path=value, such as model.num_classes=3")
        _set(source, path.strip(), _literal(text.strip()))


def _literal(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return list(value) if isinstance(value, tuple) else value


def _set(source: Source, dotted: str, value: Any) -> None:
    parts = dotted.split(".")
    target: Any = source.data
    path: list[str | int] = []
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        key: str | int = part
        if isinstance(target, list):
            if not part.isdecimal() or int(part) >= len(target):
                raise ConfigError(
                    f"--opts {dotted}: '{'.'.join(parts[:position])}' is a list of {len(target)}; "
                    f"want a number below that, got '{part}'"
                )
            key = int(part)
        elif not isinstance(target, dict):
            raise ConfigError(f"--opts {dotted}: '{'.'.join(parts[:position])}' is {target!r}, which has no keys")
        path.append(key)
        if last:
            target[key] = value
        elif isinstance(target, dict) and target.get(part) is None:
            target[part] = {}
        target = target[key]
    prefix = tuple(path)
    for known in [place for place in source.places if place[: len(prefix)] == prefix]:
        del source.places[known]
    source.places[prefix] = "--opts"
