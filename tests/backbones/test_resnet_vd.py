"""ResNet-vd: depth, strides, dilations, shortcuts, names."""

import inspect
import json

import pytest
import torch
from torch import nn

import segwright
from segwright.backbones import ResNet18_vd, ResNet34_vd, ResNet50_vd, ResNet101_vd, ResNet152_vd
from segwright.backbones.resnet_vd import BasicBlock, Bottleneck
from segwright.errors import ConfigError
from segwright.registry import BACKBONES
from segwright.weights.names import paddle_variables

VARIANTS = {18: ResNet18_vd, 34: ResNet34_vd, 50: ResNet50_vd, 101: ResNet101_vd, 152: ResNet152_vd}
BASIC, WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)


def on_paper(variant, **arguments):
    """The network without numbers, which takes no time to build and to run."""
    with torch.device("meta"):
        return variant(**arguments).eval()


@pytest.mark.parametrize("layers", VARIANTS)
def test_is_named_for_its_layers(layers):
    """Two more convolutions in the stem and four in shortcuts; the classifier, which counts, is not here."""
    convs = [module for module in on_paper(VARIANTS[layers]).modules() if isinstance(module, nn.Conv2d)]
    assert len(convs) == layers - 1 + 2 + 4
    assert all(conv.bias is None for conv in convs)


@pytest.mark.parametrize(("layers", "millions"), [(18, 11.20), (34, 21.31), (50, 23.53), (101, 42.52), (152, 58.16)])
def test_has_the_published_number_of_parameters(layers, millions):
    """Without the classifier of 1000 classes."""
    count = sum(parameter.numel() for parameter in on_paper(VARIANTS[layers]).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize("layers", [18, 34, 152])
@pytest.mark.parametrize(("output_stride", "last"), [(8, [8, 8]), (16, [16, 16]), (32, [16, 32])])
def test_feature_maps_reach_the_output_stride_and_no_further(layers, output_stride, last):
    backbone = on_paper(VARIANTS[layers], output_stride=output_stride)
    channels = BASIC if layers < 50 else WIDE
    assert backbone.feat_channels == channels
    for height, width in [(64, 96), (97, 131), (1, 33)]:
        maps = [tuple(features.shape) for features in backbone(torch.empty(2, 3, height, width, device="meta"))]
        assert maps == [
            (2, count, -(-height // stride), -(-width // stride))
            for count, stride in zip(channels, [4, 8, *last], strict=True)
        ]


def dilations(backbone, stage):
    """Of the 3x3 convolutions of each block."""
    return [
        {module.dilation[0] for module in block.body.modules() if getattr(module, "kernel_size", None) == (3, 3)}
        for block in backbone.stages[stage]
    ]


def test_stages_dilate_instead_of_shrinking():
    assert dilations(on_paper(ResNet50_vd), 2) == [{2}] * 6
    assert dilations(on_paper(ResNet50_vd), 3) == [{4}] * 3
    assert dilations(on_paper(ResNet34_vd, output_stride=16), 2) == [{1}] * 6
    assert dilations(on_paper(ResNet34_vd, output_stride=16), 3) == [{2}] * 3


def test_multi_grid_multiplies_the_last_stage_alone():
    backbone = on_paper(ResNet50_vd, multi_grid=(1, 2, 4))
    assert dilations(backbone, 2) == [{2}] * 6
    assert dilations(backbone, 3) == [{4}, {8}, {16}]
    assert dilations(on_paper(ResNet18_vd, multi_grid=(1, 2, 4)), 3) == [{4}, {8}]


def test_dilation_changes_no_variable():
    shapes = [
        {name: tensor.shape for name, tensor in on_paper(ResNet34_vd, output_stride=stride).state_dict().items()}
        for stride in (8, 32)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_shortcut_averages_the_pixels_that_are_there(block):
    """Two by two, and what is left at an odd edge."""
    block = block(1, 1, stride=2, dilation=1, project=True).eval()
    for norm in (block.body[-1].norm, block.shortcut.project.norm):
        nn.init.constant_(norm.weight, (1 + norm.eps) ** 0.5)
    nn.init.zeros_(block.body[-1].norm.weight)
    nn.init.ones_(block.shortcut.project.conv.weight)
    x = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    torch.testing.assert_close(block(x)[0, 0], torch.tensor([[3, 4.5], [7.5, 9]]))


@pytest.mark.slow
def test_averages_over_odd_edges_reach_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    block = BasicBlock(3, 4, stride=2, dilation=1, project=True).eval()
    free, file = torch.export.Dim.DYNAMIC, tmp_path / "block.onnx"
    torch.onnx.export(block, (torch.randn(1, 3, 8, 12),), file, dynamo=True, dynamic_shapes=({2: free, 3: free},))
    session = runtime.InferenceSession(file)
    for size in [(8, 12), (9, 13), (17, 6)]:
        x = torch.randn(1, 3, *size)
        (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), block(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_block_adds_to_its_input_and_leaves_it_as_it_was(block):
    block = block(4 * block.expansion, 4, stride=1, dilation=2, project=False)
    nn.init.zeros_(block.body[-1].norm.weight)
    x = torch.randn(2, 4 * block.expansion, 5, 7)
    before = x.clone()
    torch.testing.assert_close(block(x), before.relu(), rtol=0, atol=0)
    torch.testing.assert_close(x, before, rtol=0, atol=0)


def test_starts_from_paddles_defaults():
    torch.manual_seed(0)
    backbone = ResNet18_vd()
    convs = [module for module in backbone.modules() if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000]
    assert len(convs) > 15
    for conv in convs:
        wanted = (2 / conv.weight[0].numel()) ** 0.5
        assert conv.weight.std().item() == pytest.approx(wanted, rel=0.05)
    assert all((norm.weight == 1).all() for norm in backbone.modules() if isinstance(norm, nn.BatchNorm2d))


@pytest.mark.parametrize(
    ("layers", "case"), [(18, "bisenetv1_resnet18_vd"), (50, "pspnet_resnet50_vd"), (101, "ccnet_resnet101_vd")]
)
def test_variables_are_paddlesegs(shared, layers, case):
    facts = json.loads((shared / f"reference/models/{case}.json").read_text())
    prefix = "backbone."
    theirs = {name[len(prefix) :]: shape for name, shape, _ in facts["state_dict"] if name.startswith(prefix)}
    assert names_and_shapes(on_paper(VARIANTS[layers])) == theirs


@pytest.mark.parametrize(("layers", "depths"), [(34, (3, 4, 6, 3)), (152, (3, 8, 36, 3))])
def test_variables_follow_the_rule(layers, depths):
    """The names of a shallower network of the same blocks, with other numbers."""
    blocks = {name.split(".")[0] for name in names_and_shapes(on_paper(VARIANTS[layers]))}
    wanted = {f"bb_{stage}_{index}" for stage, depth in enumerate(depths) for index in range(depth)}
    assert blocks == wanted | {"conv1_1", "conv1_2", "conv1_3"}
    shallow, deep = (
        names_and_shapes(on_paper(VARIANTS[layers])) for layers in ((18, 34) if layers == 34 else (50, 152))
    )
    assert shallow.items() <= deep.items()


def names_and_shapes(backbone):
    shapes = {name: list(tensor.shape) for name, tensor in backbone.state_dict().items()}
    return {variable.name: shapes[name] for name, variable in paddle_variables(backbone).items()}


@pytest.mark.parametrize("variant", VARIANTS.values())
def test_is_registered_with_the_arguments_of_configs(variant):
    assert BACKBONES[variant.__name__] is variant
    signature = inspect.signature(variant).parameters
    assert {name: parameter.default for name, parameter in signature.items()} == {
        "output_stride": 8,
        "multi_grid": (1, 1, 1),
        "in_channels": 3,
        "pretrained": None,
        "data_format": "NCHW",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"output_stride": 4}, "output_stride.*8, 16 or 32"),
        ({"multi_grid": [1, 2]}, "multi_grid.*3 blocks"),
        ({"multi_grid": [1, 0, 1]}, "multi_grid.*at least 1"),
        ({"data_format": "NHWC"}, "data_format.*NCHW"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "PSPNet", "num_classes": 2, "backbone": {"type": "ResNet50_vd", **arguments}}
    with torch.device("meta"), pytest.raises(ConfigError, match=complaint):
        segwright.build_model(block)
    if "output_stride" not in arguments:
        with torch.device("meta"), pytest.raises(ConfigError, match=complaint):
            ResNet50_vd(**{key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()})
