"""From configuration to objects: the one place that knows every registry."""

from segwright.build.class_weights import fill_class_weights
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
from segwright.build.preprocessing import evaluation_transforms, training_transforms, with_own

__all__ = [
    "build_dataset",
    "build_loss",
    "build_losses",
    "build_model",
    "build_optimizer",
    "build_scheduler",
    "build_transforms",
    "evaluation_transforms",
    "fill_class_weights",
    "load_config",
    "training_transforms",
    "with_own",
]
