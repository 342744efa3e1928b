"""What is done to a picture, and to the label map that must follow it, before a model sees them."""

from segwright.transforms.blur import RandomBlur
from segwright.transforms.channels import ReverseChannels
from segwright.transforms.compose import Compose, Transform, is_random
from segwright.transforms.crop import RandomCenterCrop, RandomPaddingCrop
from segwright.transforms.distort import RandomDistort
from segwright.transforms.flip import RandomHorizontalFlip, RandomVerticalFlip
from segwright.transforms.inverse import restore_label_map, restore_scores
from segwright.transforms.noise import RandomNoise
from segwright.transforms.normalize import Normalize
from segwright.transforms.padding import Padding, PaddingByAspectRatio, ScalePadding
from segwright.transforms.resize import Resize, ResizeStepScaling
from segwright.transforms.resize_side import LimitLong, LimitShort, ResizeByLong, ResizeByShort, ResizeRangeScaling
from segwright.transforms.scale_aspect import RandomScaleAspect
from segwright.transforms.targets import AddEdgeLabel, AddMultiLabelAuxiliaryCategory, GenerateInstanceTargets
from segwright.transforms.warp import RandomAffine, RandomRotation

__all__ = [
    "AddEdgeLabel",
    "AddMultiLabelAuxiliaryCategory",
    "Compose",
    "GenerateInstanceTargets",
    "LimitLong",
    "LimitShort",
    "Normalize",
    "Padding",
    "PaddingByAspectRatio",
    "RandomAffine",
    "RandomBlur",
    "RandomCenterCrop",
    "RandomDistort",
    "RandomHorizontalFlip",
    "RandomNoise",
    "RandomPaddingCrop",
    "RandomRotation",
    "RandomScaleAspect",
    "RandomVerticalFlip",
    "Resize",
    "ResizeByLong",
    "ResizeByShort",
    "ResizeRangeScaling",
    "ResizeStepScaling",
    "ReverseChannels",
    "ScalePadding",
    "Transform",
    "is_random",
    "restore_label_map",
    "restore_scores",
]
