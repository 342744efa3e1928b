"""PaddleSeg's objects from blocks of a configuration."""

import importlib
import pkgutil
from typing import Any

import paddle
import paddleseg.models
from paddleseg.cvlibs import manager

for _module in pkgutil.walk_packages(paddleseg.models.__path__, "paddleseg.models."):
    try:  # importing registers; a few modules need compilers or packages that are not here, and are not measured
        importlib.import_module(_module.name)
    except ImportError:
        continue


def build_model(block: dict[str, Any]) -> paddle.nn.Layer:
    """A model from its block, the backbone from the block in it."""
    arguments = {key: value for key, value in block.items() if key != "type"}
    if "backbone" in arguments:
        arguments["backbone"] = _create(manager.BACKBONES, arguments["backbone"])
    return manager.MODELS[block["type"]](**arguments)


def build_losses(block: dict[str, Any]) -> dict[str, list[Any]]:
    """``{"types": [...], "coef": [...]}`` with one loss for each factor."""
    types = block["types"] * len(block["coef"]) if len(block["types"]) == 1 else block["types"]
    return {"types": [_create(manager.LOSSES, loss) for loss in types], "coef": block["coef"]}


def _create(registry: Any, block: dict[str, Any]) -> Any:
    return registry[block["type"]](**{key: value for key, value in block.items() if key != "type"})
