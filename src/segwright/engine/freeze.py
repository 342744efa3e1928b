"""Parts of a model that training leaves as they are."""

import logging
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from segwright.errors import ConfigError

log = logging.getLogger("segwright")


def freeze(model: nn.Module, names: Sequence[str]) -> tuple[str, ...]:
    """Take the gradients from parts of a model, and keep their batch norms in evaluation mode.

    The statistics of a frozen batch norm stay, also when ``model.train()`` is called. Frozen parameters have no place
    in an optimiser, so this comes before it is built.

    Args:
        model: is changed.
        names: what to freeze, as whole parts of the paths of parameters: ``backbone``, ``backbone.stage1``,
            ``head.conv``, or ``bias`` for every parameter of this name.

    Returns:
        Names of the frozen parameters, in the model's order.

    Raises:
        ConfigError: a name fits no parameter.
    """
    parameters = dict(model.named_parameters())
    for name in names:
        if not any(_has_part(path, name) for path in parameters):
            nearest = ", ".join(_nearest(name, list(parameters)))
            raise ConfigError(f"freeze: no part of {type(model).__name__} is called '{name}'; nearest: {nearest}")
    frozen = tuple(path for path in parameters if any(_has_part(path, name) for name in names))
    for path in frozen:
        parameters[path].requires_grad_(False)
    norms = tuple(
        path
        for path, module in model.named_modules()
        if isinstance(module, _BatchNorm) and any(_has_part(path, name) for name in names)
    )
    # By path, since a norm may yet be replaced by one that is synchronised between processes.
    model.train = partial(_train, model, norms, model.train)  # type: ignore[method-assign]
    model.train(model.training)
    share = sum(parameters[path].numel() for path in frozen) / max(1, sum(p.numel() for p in parameters.values()))
    log.info(
        "Frozen: %s (%d of %d parameters, %.1f %% of their numbers; %d batch norms)",
        ", ".join(names),
        len(frozen),
        len(parameters),
        100 * share,
        len(norms),
    )
    return frozen


def _train(model: nn.Module, norms: Sequence[str], train: Callable[[bool], nn.Module], mode: bool = True) -> nn.Module:
    """``model.train`` that leaves ``norms`` in evaluation mode."""
    train(mode)
    for path in norms:
        model.get_submodule(path).eval()
    return model


def _has_part(path: str, name: str) -> bool:
    """Whether ``name`` is a whole part of a dotted path: ``head.conv`` is of ``aux.head.conv.weight``."""
    return f".{name}." in f".{path}."


def _nearest(name: str, paths: Sequence[str]) -> list[str]:
    """Parts of paths, as long as ``name``, that are spelled like it; else the first part of each."""
    length = name.count(".") + 1
    split = [path.split(".") for path in paths]
    parts = {".".join(path[start : start + length]) for path in split for start in range(len(path) - length + 1)}
    return get_close_matches(name, sorted(parts), n=3) or list(dict.fromkeys(path[0] for path in split))
