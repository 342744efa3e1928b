"""segwright: train, evaluate and deploy semantic segmentation models in PyTorch, from one YAML file.

Everything a script needs hangs on this package and is imported when first used, so that ``import segwright``
costs nothing and a deployed model runs without torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from segwright.version import __version__

_HOME = {
    "load_config": "segwright.build",
    "build_model": "segwright.build",
    "build_loss": "segwright.build",
    "build_transforms": "segwright.build",
    "build_dataset": "segwright.build",
    "build_optimizer": "segwright.build",
    "build_scheduler": "segwright.build",
    "load_pretrained": "segwright.weights",
    "load_weights": "segwright.weights",
    "save_weights": "segwright.weights",
    "train": "segwright.engine",
    "evaluate": "segwright.engine",
    "predict": "segwright.engine",
    "predict_video": "segwright.engine",
}
_MODULES = ("backbones", "datasets", "losses", "metrics", "models", "optim", "runtime", "transforms")

__all__ = ["__version__", *_HOME, *_MODULES]

if TYPE_CHECKING:
    from segwright.build import build_dataset as build_dataset
    from segwright.build import build_loss as build_loss
    from segwright.build import build_model as build_model
    from segwright.build import build_optimizer as build_optimizer
    from segwright.build import build_scheduler as build_scheduler
    from segwright.build import build_transforms as build_transforms
    from segwright.build import load_config as load_config
    from segwright.engine import evaluate as evaluate
    from segwright.engine import predict as predict
    from segwright.engine import predict_video as predict_video
    from segwright.engine import train as train
    from segwright.weights import load_pretrained as load_pretrained
    from segwright.weights import load_weights as load_weights
    from segwright.weights import save_weights as save_weights


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"segwright.{name}")
    raise AttributeError(f"module 'segwright' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
