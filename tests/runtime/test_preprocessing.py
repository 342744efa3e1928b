"""The transforms of a deployed model: all that are certain work, those left to chance are refused."""

import numpy as np
import pytest

from segwright.bundle import Preprocessing, label_map
from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS

CERTAIN = [
    {"type": "Resize", "target_size": [40, 32], "keep_ratio": True, "size_divisor": 8, "interp": "AREA"},
    {"type": "ResizeByLong", "long_size": 50},
    {"type": "ResizeByShort", "short_size": 20, "max_size": 30},
    {"type": "LimitLong", "max_long": 40},
    {"type": "LimitShort", "min_short": 64},
    {"type": "ResizeRangeScaling", "min_value": 33, "max_value": 33},
    {"type": "ResizeStepScaling", "min_scale_factor": 0.5, "max_scale_factor": 0.5, "scale_step_size": 0},
    {"type": "Padding", "target_size": [64, 64], "im_padding_value": [1, 2, 3]},
    {"type": "PaddingByAspectRatio", "aspect_ratio": 1},
    {"type": "ScalePadding", "target_size": [32, 48]},
    {"type": "ReverseChannels"},
    {"type": "AddEdgeLabel"},
    {"type": "AddMultiLabelAuxiliaryCategory"},
    {"type": "GenerateInstanceTargets", "num_classes": 2},
]
CHANCE = [
    {"type": "Resize", "interp": "RANDOM"},
    {"type": "ResizeByShort", "short_size": [20, 30]},
    {"type": "ResizeRangeScaling"},
    {"type": "ResizeStepScaling"},
    {"type": "RandomAffine"},
    {"type": "RandomBlur"},
    {"type": "RandomCenterCrop"},
    {"type": "RandomDistort"},
    {"type": "RandomHorizontalFlip"},
    {"type": "RandomNoise"},
    {"type": "RandomPaddingCrop"},
    {"type": "RandomRotation"},
    {"type": "RandomScaleAspect"},
    {"type": "RandomVerticalFlip"},
]


def test_every_transform_is_tried_here():
    assert {block["type"] for block in CERTAIN + CHANCE} == set(TRANSFORMS) - {"Normalize"}


@pytest.mark.parametrize("block", CERTAIN, ids=lambda block: block["type"])
def test_certain_transforms_come_back_from_their_own_text(block):
    picture = np.full((50, 60, 3), 90, np.uint8)
    preprocess = Preprocessing([block, {"type": "Normalize"}])
    item = Preprocessing(preprocess.blocks)(picture)
    np.testing.assert_array_equal(item.tensor, preprocess(picture).tensor)
    assert item.tensor.dtype == np.float32
    size = item.tensor.shape[1:]
    for output in (np.ones(size, np.int32), np.stack([np.zeros(size, np.float32), np.ones(size, np.float32)])):
        label = label_map(output, item.geometry)
        assert label.shape == (50, 60)
        assert (label == 1).all()


@pytest.mark.parametrize("block", CHANCE, ids=lambda block: block["type"])
def test_chance_is_not_deployed(block):
    with pytest.raises(ConfigError, match=rf"val\[1\]: {block['type']} leaves to chance"):
        Preprocessing([{"type": "Normalize"}, block], where="val")
