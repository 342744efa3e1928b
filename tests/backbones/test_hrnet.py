"""HRNet: streams, their exchange, arguments, names."""

import inspect
import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from segwright import backbones
from segwright.backbones import HRNet_W18, HRNet_W18_Small_V1, HRNet_W48, HRNetV2PSA
from segwright.backbones.hrnet import HRNet
from segwright.backbones.hrnet_blocks import BasicBlock, Bottleneck, SqueezeExcitation, StreamSum
from segwright.layers import PolarizedSelfAttention, SameConv2d
from segwright.registry import BACKBONES
from segwright.weights.names import paddle_variables

WIDTHS = {
    "HRNet_W18_Small_V1": 16,
    "HRNet_W18_Small_V2": 18,
    **{f"HRNet_W{width}": width for width in (18, 30, 32, 40, 44, 48, 60, 64)},
}


class Tiny(HRNet):
    """One of everything."""

    width, stem_block_width, num_stem_blocks, num_exchanges, num_blocks = 4, 4, 1, (1, 1, 1), 1


def on_paper(variant, **arguments):
    """The network without numbers, which takes no time to build and to run."""
    with torch.device("meta"):
        return variant(**arguments).eval()


@pytest.mark.parametrize("name", WIDTHS)
def test_returns_one_map_of_all_streams_at_a_quarter(name):
    backbone = on_paper(BACKBONES[name])
    channels = 15 * WIDTHS[name]
    assert backbone.feat_channels == (channels,)
    (features,) = backbone(torch.empty(2, 3, 97, 130, device="meta"))
    assert features.shape == (2, channels, 25, 33)


@pytest.mark.parametrize(
    ("name", "bottlenecks", "basic_blocks"),
    [
        ("HRNet_W18_Small_V1", 1, 1 * 2 * 2 + 1 * 3 * 2 + 1 * 4 * 2),
        ("HRNet_W18_Small_V2", 2, 1 * 2 * 2 + 3 * 3 * 2 + 2 * 4 * 2),
        ("HRNet_W18", 4, 1 * 2 * 4 + 4 * 3 * 4 + 3 * 4 * 4),
        ("HRNet_W64", 4, 1 * 2 * 4 + 4 * 3 * 4 + 3 * 4 * 4),
    ],
)
def test_is_as_deep_as_published(name, bottlenecks, basic_blocks):
    kinds = [type(module) for module in on_paper(BACKBONES[name]).modules()]
    assert (kinds.count(Bottleneck), kinds.count(BasicBlock)) == (bottlenecks, basic_blocks)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("padding", [None, 1])
def test_a_stream_receives_the_sum_of_all(target, padding):
    torch.manual_seed(0)
    add = StreamSum((4, 8, 16), target, padding, align_corners=False).eval()
    streams = [torch.randn(1, 4, 9, 13), torch.randn(1, 8, 5, 7), torch.randn(1, 16, 3, 4)]
    before = [x.clone() for x in streams]
    size = streams[target].shape[2:]
    moved = [path(x) for path, x in zip(add.paths, streams, strict=True)]
    expected = F.relu(sum(F.interpolate(x, size, mode="bilinear") for x in moved))
    torch.testing.assert_close(add(streams), expected)
    assert all(torch.equal(x, copy) for x, copy in zip(streams, before, strict=True))


@pytest.mark.parametrize("padding_same", [True, False])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 51), (1, 33)])
def test_streams_meet_at_any_size(padding_same, height, width):
    backbone = on_paper(Tiny, padding_same=padding_same)
    (features,) = backbone(torch.empty(1, 3, height, width, device="meta"))
    assert features.shape == (1, 60, -(-height // 4), -(-width // 4))


@pytest.mark.parametrize(("padding_same", "count"), [(True, 0), (False, 2 + 3 + 1 + 4 + 10)])
def test_padding_same_is_for_all_convolutions_that_shrink(padding_same, count):
    """2 in the stem, 3 to start a stream, and in each exchange 1, 1 + 1 + 2 or 1 + 1 + 1 + 2 + 2 + 3."""
    shrinking = [
        module
        for module in on_paper(HRNet_W18_Small_V1, padding_same=padding_same).modules()
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2)
    ]
    assert len(shrinking) == 20
    assert sum(conv.padding == (1, 1) and not isinstance(conv, SameConv2d) for conv in shrinking) == count


def test_attention_stands_in_every_basic_block():
    plain, attentive = on_paper(HRNet_W18), on_paper(HRNet_W18, use_psa=True)
    assert not any(isinstance(module, PolarizedSelfAttention) for module in plain.modules())
    blocks = [module for module in attentive.modules() if isinstance(module, BasicBlock)]
    assert all(isinstance(block.attention, PolarizedSelfAttention) for block in blocks)


def test_squeeze_and_excitation_stands_in_every_block():
    backbone = on_paper(HRNet_W18, has_se=True)
    blocks = [module for module in backbone.modules() if isinstance(module, BasicBlock | Bottleneck)]
    assert all(isinstance(block.se, SqueezeExcitation) for block in blocks)


def test_squeeze_and_excitation_weighs_channels():
    torch.manual_seed(0)
    block, x = SqueezeExcitation(32), torch.randn(2, 32, 3, 5)
    gate = torch.sigmoid(block.excitation(F.relu(block.squeeze(x.mean((2, 3))))))
    torch.testing.assert_close(block(x), x * gate[:, :, None, None])


def test_align_corners_reaches_every_resize(monkeypatch):
    from segwright.backbones import hrnet, hrnet_blocks

    seen = []
    resize = hrnet.resize_to
    for module in (hrnet, hrnet_blocks):
        monkeypatch.setattr(module, "resize_to", lambda x, to, align: (seen.append(align), resize(x, to, align))[1])
    on_paper(HRNet_W18_Small_V1, align_corners=True)(torch.empty(1, 3, 32, 32, device="meta"))
    assert seen == [True] * (1 + 3 + 6 + 3)  # one for each pair of streams that exchange, and the last ones


def test_hrnetv2_psa_is_w48_with_attention_and_the_authors_padding():
    assert BACKBONES["HRNETV2_PSA"] is HRNetV2PSA
    alias, written_out = on_paper(HRNetV2PSA), on_paper(HRNet_W48, use_psa=True, padding_same=False)
    assert str(alias).replace("HRNetV2PSA", "HRNet_W48") == str(written_out)


def test_convolutions_start_narrow():
    torch.manual_seed(0)
    for module in HRNet_W18_Small_V1(use_psa=True).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            torch.testing.assert_close(module.weight.std(), torch.tensor(0.001), rtol=0.05, atol=0)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()


@pytest.mark.parametrize("name", WIDTHS)
def test_is_registered_with_the_arguments_of_configs(name):
    assert BACKBONES[name] is getattr(backbones, name)
    parameters = inspect.signature(BACKBONES[name]).parameters
    assert {key: parameter.default for key, parameter in parameters.items()} == {
        "in_channels": 3,
        "pretrained": None,
        "has_se": False,
        "align_corners": False,
        "padding_same": True,
        "use_psa": False,
    }


@pytest.mark.parametrize(
    ("case", "variant", "arguments"),
    [
        ("fcn_hrnet_w18", HRNet_W18, {}),
        ("mscale_ocrnet_hrnet_w18_psa_padding_same", HRNet_W18, {"use_psa": True}),
        ("mscale_ocrnet_hrnet_w48_psa", HRNetV2PSA, {}),
    ],
)
def test_parameter_list_is_paddlesegs(shared, case, variant, arguments):
    recorded = json.loads((shared / "reference" / "models" / f"{case}.json").read_text())["state_dict"]
    backbone = on_paper(variant, **arguments)
    shapes = {name: list(tensor.shape) for name, tensor in backbone.state_dict().items()}
    ours = {f"backbone.{variable.name}": shapes[name] for name, variable in paddle_variables(backbone).items()}
    assert ours == {name: shape for name, shape, _ in recorded if name.startswith("backbone.")}


@pytest.mark.slow
def test_exports_with_free_height_and_width():
    free = torch.export.Dim.DYNAMIC
    torch.manual_seed(0)
    backbone = Tiny(use_psa=True, padding_same=False).eval()
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    graph = torch.export.export(backbone, (torch.randn(1, 3, 97, 131),), dynamic_shapes=({2: free, 3: free},)).module()
    for size in [(96, 128), (65, 70)]:
        image = torch.randn(1, 3, *size)
        torch.testing.assert_close(graph(image)[0], backbone(image)[0], rtol=1e-3, atol=1e-4)
