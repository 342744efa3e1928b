"""FCN: features, arguments, initial weights."""

import inspect

import pytest
import torch
from torch import nn

import segwright
from segwright.backbones import HRNet_W18_Small_V1, ResNet18_vd
from segwright.errors import ConfigError
from segwright.models import FCN


@pytest.mark.parametrize(("index", "channels"), [(-1, 512), (1, 128)])
def test_uses_the_feature_map_that_it_is_told(index, channels):
    model = FCN(2, ResNet18_vd(), backbone_indices=(index,)).eval()
    assert (model.conv.conv.in_channels, model.conv.conv.out_channels) == (channels, channels)
    image = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        features = model.backbone(image)[index]
        expected = nn.functional.interpolate(model.classify(model.conv(features)), (32, 32), mode="bilinear")
        torch.testing.assert_close(model(image)[0], expected)


def test_channels_and_bias_are_those_of_both_convolutions():
    model = FCN(2, ResNet18_vd(), channels=24, bias=False)
    assert (model.conv.conv.out_channels, model.classify.in_channels) == (24, 24)
    assert model.conv.conv.bias is None
    assert model.classify.bias is None


def test_starts_narrow():
    torch.manual_seed(0)
    model = FCN(2, ResNet18_vd())
    torch.testing.assert_close(model.conv.conv.weight.std(), torch.tensor(0.001), rtol=0.05, atol=0)
    assert not model.conv.conv.bias.any()


def test_is_built_from_a_config():
    block = {"type": "FCN", "num_classes": 2, "backbone": {"type": "HRNet_W18_Small_V1"}, "backbone_indices": [-1]}
    assert isinstance(segwright.build_model(block), FCN)
    assert list(inspect.signature(FCN).parameters) == [
        *("num_classes", "backbone", "backbone_indices", "channels", "align_corners", "pretrained", "bias"),
        "data_format",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"backbone_indices": [1]}, "no.* at 1"),
        ({"backbone_indices": [0, 0]}, "backbone_indices"),
        ({"channels": 0}, "channels"),
        ({"data_format": "NHWC"}, "data_format"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "FCN", "num_classes": 2, "backbone": {"type": "HRNet_W18_Small_V1"}, **arguments}
    with pytest.raises(ConfigError, match=complaint):
        segwright.build_model(block)


def test_another_order_of_dimensions_is_refused_in_python_too():
    with pytest.raises(ConfigError, match="NHWC"):
        FCN(2, HRNet_W18_Small_V1(), data_format="NHWC")
