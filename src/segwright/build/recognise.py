"""Which registered model a file of weights was made for, told by the names and shapes of its variables."""

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import nn

from segwright.build.components import construct
from segwright.config.signature import accepts
from segwright.errors import ConfigError, WeightsError
from segwright.registry import BACKBONES, MODELS, Registry
from segwright.weights import Contents
from segwright.weights.names import UNCOUNTED, paddle_variables

PROBE = 2  # classes to try; where a file has another number in their place, that is its number of classes
BACKBONE = "backbone."  # what the variables of a model's backbone begin with, here and in PaddleSeg

USUAL_INDICES = ([0], [2, 3])  # of PaddleSeg's configurations, for models whose backbone_indices have no default

Block = dict[str, Any]
Shapes = dict[str, tuple[int, ...]]


class Recognised(NamedTuple):
    """A model that has exactly the variables of a file.

    Attributes:
        model: on the meta device, so without values.
        blocks: how a configuration describes it; several where models differ only in what is no variable, such as
            the dilation of a convolution.
    """

    model: nn.Module
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        first, *others = map(_spell, self.blocks)
        return f"{first} (or {', '.join(others)}, which has the same variables)" if others else first


def recognise_model(contents: Contents) -> Recognised:
    """The registered model, with its arguments' defaults, that has exactly the variables of a file.

    Raises:
        WeightsError: there is none; or there are several, and they translate the names differently.
    """
    shapes = {name: array.shape for name, array in contents.arrays.items() if not name.endswith(UNCOUNTED)}
    found = [match for block in _candidates(shapes) if (match := _match(block, shapes))]
    if not found:
        raise WeightsError(
            f"{contents.source}: no model in its default form has exactly these {len(shapes)} variables "
            f"({', '.join(list(shapes)[:3])}, ...); give the configuration that describes the model: --config FILE"
        )
    recognised = Recognised(found[0][0], tuple(block for _, block in found))
    if any(paddle_variables(model) != paddle_variables(recognised.model) for model, _ in found):
        raise WeightsError(
            f"{contents.source} may belong to {', '.join(map(_spell, recognised.blocks))}, whose variables have "
            "different names in the other format; give the configuration that describes the model: --config FILE"
        )
    return recognised


def _candidates(shapes: Shapes) -> Iterator[Block]:
    """Models to try, with each backbone that has the file's variables."""
    inner = {name.removeprefix(BACKBONE): shape for name, shape in shapes.items() if name.startswith(BACKBONE)}
    blocks = [{"type": name} for name in _names(BACKBONES)] if inner else []
    backbones = [block for block in blocks if inner in _layouts(_outline(BACKBONES, block))]
    for name in _names(MODELS):
        block = {"type": name, "num_classes": PROBE}
        yield block
        if accepts(MODELS[name], "backbone"):
            for backbone, more in product(backbones, _arguments(MODELS[name])):
                yield {**block, "backbone": backbone, **more}


def _arguments(factory: Callable[..., Any]) -> list[Block]:
    """What a model cannot be built without, beside its backbone."""
    indices = signature(factory).parameters.get("backbone_indices")
    if indices is None or indices.default is not indices.empty:
        return [{}]
    return [{"backbone_indices": value} for value in USUAL_INDICES]


def _match(block: Block, shapes: Shapes) -> tuple[nn.Module, Block] | None:
    """The model of ``block``, with the file's number of classes, if it has exactly the file's variables."""
    model = _outline(MODELS, block)
    layouts = _layouts(model)
    if shapes not in layouts:
        layout = next((layout for layout in layouts if layout.keys() == shapes.keys()), {})
        sides = [pair for name in layout for pair in zip(layout[name], shapes[name], strict=False)]
        classes = {found for wanted, found in sides if wanted == PROBE != found}
        if len(classes) != 1:
            return None
        block = {**block, "num_classes": classes.pop()}
        model = _outline(MODELS, block)
        if shapes not in _layouts(model):
            return None
    assert model is not None  # no model has no layout
    return model, block


def _outline(registry: Registry, block: Block) -> nn.Module | None:
    """The module without values, or None if it cannot be built from these arguments alone."""
    try:
        with torch.device("meta"):
            return construct(registry, block)
    except ConfigError:
        return None


def _layouts(module: nn.Module | None) -> list[Shapes]:
    """Names and shapes of the variables: ours, and PaddleSeg's."""
    if module is None:
        return []
    state = module.state_dict()
    variables = paddle_variables(module)
    ours = {name: tuple(state[name].shape) for name in variables}
    theirs = {
        variable.name: ours[name][::-1] if variable.transposed else ours[name] for name, variable in variables.items()
    }
    return [ours, theirs]


def _names(registry: Mapping[str, Any]) -> list[str]:
    """One name for each entry of the registry, its first."""
    first = {entry: name for name, entry in reversed(list(registry.items()))}
    return [name for name in registry if first[registry[name]] == name]


def _spell(block: Block) -> str:
    backbone = f" on {block['backbone']['type']}" if "backbone" in block else ""
    return f"{block['type']}{backbone}, num_classes: {block['num_classes']}"
