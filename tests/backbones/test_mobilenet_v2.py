"""MobileNetV2: widths, strides, shortcuts, names."""

import inspect
import json

import pytest
import torch
from torch import nn

from segwright.backbones.mobilenet_v2 import ConvBNReLU6, InvertedResidual
from segwright.registry import BACKBONES
from segwright.weights.names import paddle_variables

CHANNELS = {
    "MobileNetV2_x0_25": (6, 8, 24, 80),
    "MobileNetV2_x0_5": (12, 16, 48, 160),
    "MobileNetV2_x0_75": (18, 24, 72, 240),
    "MobileNetV2_x1_0": (24, 32, 96, 320),
    "MobileNetV2_x1_5": (36, 48, 144, 480),
    "MobileNetV2_x2_0": (48, 64, 192, 640),
}


def on_paper(name, **arguments):
    """The network without numbers, which takes no time to build and to run."""
    with torch.device("meta"):
        return BACKBONES[name](**arguments).eval()


def test_variants_are_registered_with_the_arguments_of_configs():
    assert {name for name in BACKBONES if name.startswith("MobileNetV2")} == set(CHANNELS)
    for name in CHANNELS:
        assert BACKBONES[name].__name__ == name
        signature = inspect.signature(BACKBONES[name]).parameters
        assert {key: parameter.default for key, parameter in signature.items()} == {
            "in_channels": 3,
            "pretrained": None,
        }


@pytest.mark.parametrize("name", CHANNELS)
def test_feature_maps_have_the_promised_shapes(name):
    backbone = on_paper(name)
    assert backbone.feat_channels == CHANNELS[name]
    for size in [(33, 131), (1, 1)]:
        maps = [tuple(features.shape) for features in backbone(torch.empty(2, 3, *size, device="meta"))]
        assert maps == [
            (2, channels, *(-(-side // stride) for side in size))
            for channels, stride in zip(CHANNELS[name], [4, 8, 16, 32], strict=True)
        ]


def test_has_the_published_number_of_parameters():
    """3.4 million with the classifier of 1280 x 1000 and the convolution of 320 x 1280 in front of it; a 1x1 expansion
    of the first block, which the paper leaves out, comes on top.
    """
    count = sum(parameter.numel() for parameter in on_paper("MobileNetV2_x1_0").parameters())
    last = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    first = 32 * 32 + 2 * 32
    assert count - first + last == pytest.approx(3.5e6, abs=0.01e6)


def test_variables_are_paddlesegs(shared):
    facts = json.loads((shared / "reference/models/deeplabv3p_mbv2.json").read_text())
    prefix = "backbone."
    theirs = {name[len(prefix) :]: shape for name, shape, _ in facts["state_dict"] if name.startswith(prefix)}
    backbone = on_paper("MobileNetV2_x1_0")
    shapes = {name: list(tensor.shape) for name, tensor in backbone.state_dict().items()}
    assert {variable.name: shapes[name] for name, variable in paddle_variables(backbone).items()} == theirs


def test_every_block_but_the_first_of_a_stage_has_a_shortcut():
    for name in CHANNELS:
        for stage in on_paper(name).stages:
            assert [block.has_shortcut for block in stage] == [False] + [True] * (len(stage) - 1)


def test_block_adds_to_its_input_and_leaves_it_as_it_was():
    block = InvertedResidual(4, 4, expansion=6, stride=1)
    nn.init.zeros_(block.project.norm.weight)
    x = torch.randn(2, 4, 5, 7)
    before = x.clone()
    torch.testing.assert_close(block(x), before, rtol=0, atol=0)
    torch.testing.assert_close(x, before, rtol=0, atol=0)


def test_activation_stops_at_six():
    layer = ConvBNReLU6(1, 1, 1).eval()
    nn.init.ones_(layer.conv.weight)
    values = layer(torch.tensor([-1.0, 2.0, 8.0]).view(1, 1, 1, 3)).flatten()
    torch.testing.assert_close(values, torch.tensor([0.0, 2.0, 6.0]))


def test_starts_from_paddles_defaults():
    torch.manual_seed(0)
    backbone = BACKBONES["MobileNetV2_x1_0"]()
    convs = [module for module in backbone.modules() if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000]
    assert any(conv.groups > 1 for conv in convs)
    for conv in convs:
        wanted = (2 / (conv.in_channels * conv.kernel_size[0] ** 2)) ** 0.5
        assert conv.weight.std().item() == pytest.approx(wanted, rel=0.05)
