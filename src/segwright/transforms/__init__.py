"""What is done to a picture, and to the label map that must follow it, before a model sees them."""

from segwright.transforms.compose import Compose, Transform
from segwright.transforms.crop import RandomPaddingCrop
from segwright.transforms.distort import RandomDistort
from segwright.transforms.flip import RandomHorizontalFlip, RandomVerticalFlip
from segwright.transforms.inverse import restore_label_map, restore_scores
from segwright.transforms.normalize import Normalize
from segwright.transforms.padding import Padding
from segwright.transforms.resize import Resize, ResizeStepScaling
from segwright.transforms.scale_aspect import RandomScaleAspect

__all__ = [
    "Compose",
    "Normalize",
    "Padding",
    "RandomDistort",
    "RandomHorizontalFlip",
    "RandomPaddingCrop",
    "RandomScaleAspect",
    "RandomVerticalFlip",
    "Resize",
    "ResizeStepScaling",
    "Transform",
    "restore_label_map",
    "restore_scores",
]
