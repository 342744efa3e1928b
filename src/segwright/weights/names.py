"""Paddle's names of a model's variables, by rule.

A class that names its parts otherwise than PaddleSeg says so in ``paddle_names``, a table from PaddleSeg's path to
our attribute path, both relative to the module: ``{"conv_3x3.0": "conv"}``. Parts that it does not mention have the
same name on both sides. Batch normalisation calls its statistics ``_mean`` and ``_variance`` in Paddle, and a linear
layer holds its weight transposed.
"""

from typing import NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

BATCH_NORM = {"_mean": "running_mean", "_variance": "running_var"}
UNCOUNTED = "num_batches_tracked"  # PyTorch's step counter, which Paddle has not and nothing reads


class PaddleVariable(NamedTuple):
    """Where PaddleSeg keeps a variable, and whether in transposed layout."""

    name: str
    transposed: bool


def variable_names(model: nn.Module) -> list[str]:
    """Names of the parameters and statistics that weights consist of, in the order of ``state_dict``."""
    return [name for name in model.state_dict() if not name.endswith(UNCOUNTED)]


def paddle_variables(model: nn.Module) -> dict[str, PaddleVariable]:
    """Our name of each variable -> PaddleSeg's."""
    return {name: _paddle_variable(model, name) for name in variable_names(model)}


def _paddle_variable(model: nn.Module, name: str) -> PaddleVariable:
    """Walk down from ``model``, translating as much of the path at a time as the module's table knows."""
    module, path, translated = model, name.split("."), []
    while path:
        theirs, num_parts = _translate(module, path)
        translated.append(theirs)
        *parents, last = path[:num_parts]
        owner = module.get_submodule(".".join(parents))
        child = getattr(owner, last)
        path = path[num_parts:]
        module = child if path else owner
    return PaddleVariable(".".join(translated), transposed=isinstance(module, nn.Linear) and last == "weight")


def _translate(module: nn.Module, path: list[str]) -> tuple[str, int]:
    """PaddleSeg's word for the start of ``path``, and how many parts of ``path`` it stands for."""
    table = BATCH_NORM if isinstance(module, _BatchNorm) else getattr(module, "paddle_names", {})
    theirs_of = {ours: theirs for theirs, ours in table.items()}
    for num_parts in range(len(path), 0, -1):
        ours = ".".join(path[:num_parts])
        if ours in theirs_of:
            return theirs_of[ours], num_parts
    return path[0], 1
