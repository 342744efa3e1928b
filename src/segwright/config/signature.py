"""A constructor's signature is the schema of its block in a configuration."""

import inspect
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, get_type_hints

from segwright.errors import ConfigError, suggest


@cache
def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(factory).parameters)
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters.values()):
        raise TypeError(f"{factory.__name__} takes *args or **kwargs, so a configuration of it cannot be checked")
    return parameters


@cache
def _adapter(factory: Callable[..., Any], name: str) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    target = factory.__init__ if inspect.isclass(factory) else factory
    hint = get_type_hints(target, include_extras=True).get(name, Any)
    return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))


def accepts(factory: Callable[..., Any], name: str) -> bool:
    """Whether the constructor has a parameter of this name."""
    return name in _parameters(factory)


def check_arguments(
    factory: Callable[..., Any],
    arguments: dict[str, Any],
    where: Callable[..., str],
    *,
    given_later: Collection[str] = (),
    skip: Collection[str] = (),
) -> dict[str, Any]:
    """Compare a block's keys and values with the constructor they are meant for.

    Args:
        factory: class or function with annotated parameters and no ``**kwargs``.
        arguments: the block without its ``type``.
        where: ``where("crop_size")`` gives file, line and key path for messages, ``where()`` those of the block.
        given_later: required parameters that the caller supplies itself.
        skip: parameters whose values are components of their own, checked elsewhere.

    Returns:
        The arguments with values brought to the annotated kinds (a list to a tuple, ``1`` to ``1.0``).

    Raises:
        ConfigError: an unknown key (with the nearest known one), a missing one, or a wrong kind of value.
    """
    from pydantic import ValidationError

    parameters = _parameters(factory)
    allowed = [name for name in parameters if name not in given_later]
    for key in arguments:
        if key not in allowed:
            raise ConfigError(f"{where(key)}: {factory.__name__} has no '{key}'; {suggest(key, allowed)}")
    for name in allowed:
        if name not in arguments and parameters[name].default is inspect.Parameter.empty:
            raise ConfigError(f"{where()}: {factory.__name__} needs '{name}'")
    checked = {}
    for key, value in arguments.items():
        if key in skip:
            checked[key] = value
            continue
        try:
            checked[key] = _adapter(factory, key).validate_python(value)
        except ValidationError as error:
            reasons = "; ".join(dict.fromkeys(_reason(problem) for problem in error.errors()))
            raise ConfigError(f"{where(key)}: got {value!r}: {reasons}") from error
    return checked


def _reason(problem: Any) -> str:
    """Pydantic's words for a wrong value, in YAML's: it has lists, no tuples."""
    match problem["type"]:
        case "missing":
            return f"entry {problem['loc'][-1]} is missing"
        case "extra_forbidden":
            return f"unknown entry {problem['loc'][-1]}"
        case "union_tag_invalid":
            return f"{problem['ctx']['discriminator']} must be one of {problem['ctx']['expected_tags']}"
    return problem["msg"].replace("a valid tuple", "a valid list").replace("Tuple should", "List should")


def fill_defaults(factory: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the constructor's own defaults for what they leave out, in its order."""
    filled = {}
    for name, parameter in _parameters(factory).items():
        if name in arguments:
            filled[name] = arguments[name]
        elif parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            filled[name] = list(default) if isinstance(default, tuple) else default
    return filled
