"""MobileNetV3: widths, strides, dilation, names, and which parameters decay."""

import inspect
import json

import pytest
import torch
from torch import nn

from segwright.backbones import mobilenet_v3
from segwright.optim import sgd
from segwright.registry import BACKBONES
from segwright.weights.names import paddle_variables

SCALES = {"x0_35": 0.35, "x0_5": 0.5, "x0_75": 0.75, "x1_0": 1.0, "x1_25": 1.25}
NAMES = [f"MobileNetV3_{size}_{scale}" for size in ("large", "small") for scale in SCALES]
NAMES += ["MobileNetV3_large_x1_0_os8", "MobileNetV3_small_x1_0_os8"]


def on_paper(name, **arguments):
    """The network without numbers, which takes no time to build and to run."""
    with torch.device("meta"):
        return BACKBONES[name](**arguments).eval()


def names_and_shapes(backbone):
    shapes = {name: list(tensor.shape) for name, tensor in backbone.state_dict().items()}
    return {variable.name: shapes[name] for name, variable in paddle_variables(backbone).items()}


@pytest.mark.parametrize("name", NAMES)
def test_is_registered_with_the_arguments_of_configs(name):
    assert BACKBONES[name].__name__ == name
    signature = inspect.signature(BACKBONES[name]).parameters
    assert {name: parameter.default for name, parameter in signature.items()} == {"in_channels": 3, "pretrained": None}


def test_no_other_variant_is_registered():
    assert sorted(name for name in BACKBONES if name.startswith("MobileNetV3")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_feature_maps_have_the_promised_shapes(name):
    backbone = on_paper(name)
    strides = [4, 8, 8, 8] if name.endswith("os8") else [4, 8, 16, 32]
    for size in [(33, 131), (1, 1)]:
        maps = [tuple(features.shape) for features in backbone(torch.empty(2, 3, *size, device="meta"))]
        assert maps == [
            (2, channels, *(-(-side // stride) for side in size))
            for channels, stride in zip(backbone.feat_channels, strides, strict=True)
        ]


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("large_x1_0", (24, 40, 112, 160)),
        ("large_x1_0_os8", (24, 40, 112, 160)),
        ("large_x0_35", (8, 16, 40, 56)),
        ("large_x1_25", (32, 48, 144, 200)),
        ("small_x1_0", (16, 24, 48, 96)),
        ("small_x0_5", (8, 16, 24, 48)),
    ],
)
def test_channels_of_the_feature_maps(name, channels):
    backbone = on_paper(f"MobileNetV3_{name}")
    assert backbone.feat_channels == channels
    assert backbone.channels_at([0, 3]) == (channels[0], channels[3])


@pytest.mark.parametrize(
    ("channels", "scale", "wanted"),
    [(16, 1, 16), (16, 0.35, 8), (24, 0.5, 16), (40, 0.35, 16), (112, 0.35, 40), (72, 0.35, 24), (16, 1.25, 24)],
)
def test_widths_are_multiples_of_eight_and_not_much_smaller_than_asked(channels, scale, wanted):
    assert mobilenet_v3.scaled(channels, scale) == wanted


@pytest.mark.parametrize(
    ("name", "dilations"),
    [
        ("large_x1_0", [1] * 15),
        ("large_x1_0_os8", [1] * 7 + [2] * 6 + [4] * 2),
        ("small_x1_0_os8", [1] * 4 + [2] * 5 + [4] * 2),
    ],
)
def test_blocks_dilate_where_the_map_would_shrink_beyond_an_eighth(name, dilations):
    backbone = on_paper(f"MobileNetV3_{name}")
    assert [block.depthwise.conv.dilation[0] for block in backbone.blocks] == dilations


def test_dilation_changes_no_variable():
    assert names_and_shapes(on_paper("MobileNetV3_small_x1_0")) == names_and_shapes(
        on_paper("MobileNetV3_small_x1_0_os8")
    )


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("MobileNetV3_large_x1_0", "lraspp_mbv3_large_os32"),
        ("MobileNetV3_large_x1_0_os8", "lraspp_mbv3_large_os8"),
        ("MobileNetV3_small_x1_0", "lraspp_mbv3_small"),
    ],
)
def test_variables_are_paddlesegs(shared, name, case):
    facts = json.loads((shared / f"reference/models/{case}.json").read_text())
    prefix = "backbone."
    theirs = {name[len(prefix) :]: shape for name, shape, _ in facts["state_dict"] if name.startswith(prefix)}
    assert names_and_shapes(on_paper(name)) == theirs


def test_squeeze_and_excitation_weighs_channels_by_their_mean():
    block = mobilenet_v3.SqueezeExcitation(4)
    for conv in (block.squeeze, block.excite):
        nn.init.ones_(conv.weight)
        nn.init.zeros_(conv.bias)
    x = torch.tensor([0.0, 1.0, 2.0, -2.5]).view(1, 4, 1, 1).expand(1, 4, 2, 3)
    torch.testing.assert_close(block(x), x * (0.5 + 0.2 * 0.5))  # the means sum to 0.5
    assert torch.equal(block(-100 - x), 0.5 * (-100 - x))  # ReLU in between: nothing is left of negative sums
    assert torch.equal(block(100 + x), 100 + x)  # no weight exceeds 1


def test_batch_normalisation_alone_does_not_decay():
    model = BACKBONES["MobileNetV3_small_x0_35"]()
    decayed, spared = sgd(model, 0.1, weight_decay=0.5).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.5, 0)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert set(spared["params"]) == {parameter for norm in norms for parameter in norm.parameters()}


def test_starts_from_paddles_defaults():
    torch.manual_seed(0)
    backbone = BACKBONES["MobileNetV3_large_x1_0"]()
    convs = [module for module in backbone.modules() if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000]
    assert any(conv.groups > 1 for conv in convs)
    for conv in convs:
        wanted = (2 / (conv.in_channels * conv.kernel_size[0] ** 2)) ** 0.5
        assert conv.weight.std().item() == pytest.approx(wanted, rel=0.05)
        assert conv.bias is None or (conv.bias == 0).all()
