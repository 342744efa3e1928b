"""Blocks of a configuration against the classes they name."""

from collections.abc import Callable
from typing import Any

from torch import nn

import segwright.backbones
import segwright.datasets
import segwright.losses
import segwright.models
import segwright.optim
import segwright.transforms  # noqa: F401  (importing these packages fills the registries)
from segwright.config import check_arguments, fill_defaults
from segwright.errors import ConfigError, SegwrightError
from segwright.registry import BACKBONES, LOSSES, TRANSFORMS, Registry

Where = Callable[..., str]

LISTS: dict[str, Registry] = {
    **dict.fromkeys(("transforms", "common_transforms", "transforms1", "transforms2"), TRANSFORMS),
    "losses": LOSSES,
}
"""Arguments that hold a list of components: key -> where their types are registered."""
SINGLES: dict[str, Registry] = {"backbone": BACKBONES}
"""Arguments that hold one component."""
NESTED = {**LISTS, **SINGLES}


def here(*path: str | int) -> str:
    """Place of a key in a block that came from Python, not from a file."""
    return ".".join(str(part) for part in path) or "configuration"


def resolve(
    registry: Registry,
    block: dict[str, Any],
    where: Where = here,
    *,
    given_later: tuple[str, ...] = (),
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Find the class a block names and check its arguments, nested components included.

    Args:
        registry: where the type is looked up.
        block: ``{"type": name, **arguments}``.
        where: tells file, line and key path of a key in this block, for messages.
        given_later: constructor parameters that the caller supplies itself.

    Returns:
        The class, and its arguments with values of the annotated kinds; nested blocks are checked, not built.
    """
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise ConfigError(f"{where()}: want a mapping with a 'type' that names a {registry.kind}, got {block!r}")
    factory = registry.find(block["type"], where("type"))
    arguments = {key: value for key, value in block.items() if key != "type"}
    checked = check_arguments(factory, arguments, where, given_later=given_later, skip=NESTED)
    for key in LISTS.keys() & checked.keys():
        for index, nested in enumerate(_as_list(checked[key], where(key))):
            if not callable(nested):  # else it was built in Python
                resolve(LISTS[key], nested, _below(where, key, index))
    for key in SINGLES.keys() & checked.keys():
        if not isinstance(checked[key], nn.Module):
            resolve(SINGLES[key], checked[key], _below(where, key))
    return factory, checked


def construct(registry: Registry, block: dict[str, Any], where: Where = here, **later: Any) -> Any:
    """Build the component a block describes; ``later`` are arguments that no file can hold."""
    factory, arguments = resolve(registry, block, where, given_later=tuple(later))
    for key in LISTS.keys() & arguments.keys():
        arguments[key] = [
            construct(LISTS[key], nested, _below(where, key, index)) if isinstance(nested, dict) else nested
            for index, nested in enumerate(_as_list(arguments[key], where(key)))
        ]
    for key in SINGLES.keys() & arguments.keys():
        if isinstance(arguments[key], dict):
            arguments[key] = construct(SINGLES[key], arguments[key], _below(where, key))
    try:
        return factory(**arguments, **later)
    except SegwrightError as error:
        raise type(error)(f"{where()}: {error}") from error
    except ValueError as error:  # how torch's own classes refuse a number
        raise ConfigError(f"{where()}: {error}") from error


def spelled_out(registry: Registry, block: dict[str, Any]) -> dict[str, Any]:
    """The block with every default of its constructor written down, nested components too."""
    factory = registry.find(block["type"])
    arguments = fill_defaults(factory, {key: value for key, value in block.items() if key != "type"})
    for key in LISTS.keys() & arguments.keys():
        if arguments[key] is not None:
            arguments[key] = [spelled_out(LISTS[key], nested) for nested in arguments[key]]
    for key in SINGLES.keys() & arguments.keys():
        if arguments[key] is not None:
            arguments[key] = spelled_out(SINGLES[key], arguments[key])
    return {"type": block["type"], **arguments}


def _as_list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: want a list of mappings with a 'type', got {value!r}")
    return list(value)


def _below(where: Where, *prefix: str | int) -> Where:
    return lambda *path: where(*prefix, *path)
