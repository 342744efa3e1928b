"""From configuration to objects: the one place that knows every registry."""

from segwright.build.load import load_config
from segwright.build.make import (
    build_dataset,
    build_loss,
    build_losses,
    build_model,
    build_optimizer,
    build_scheduler,
    build_transforms,
)

__all__ = [
    "build_dataset",
    "build_loss",
    "build_losses",
    "build_model",
    "build_optimizer",
    "build_scheduler",
    "build_transforms",
    "load_config",
]
