"""LRASPP: features, arguments, pooling, resizing."""

import inspect

import pytest
import torch
from torch import nn

import segwright
from segwright.backbones import Backbone, MobileNetV3_small_x0_35
from segwright.errors import ConfigError, DataError
from segwright.layers import paddle_defaults
from segwright.models import LRASPP


class Pyramid(Backbone):
    """Features at 1, 1/2 and 1/4, each the image, averaged, times an own number."""

    feat_channels = (3, 3, 3)

    def __init__(self) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.ones(3))

    def forward(self, image):
        maps = [image, nn.functional.avg_pool2d(image, 2, ceil_mode=True)]
        maps.append(nn.functional.avg_pool2d(maps[-1], 2, ceil_mode=True))
        return [factor * features for factor, features in zip(self.factors, maps, strict=True)]


def small(**arguments) -> LRASPP:
    torch.manual_seed(0)
    defaults = {"backbone_indices": (0, 1, 2), "lraspp_head_inter_chs": (2, 4), "lraspp_head_out_ch": 8}
    return LRASPP(3, Pyramid(), **{**defaults, **arguments})


def test_takes_the_arguments_of_configs():
    signature = inspect.signature(LRASPP).parameters
    assert {name: parameter.default for name, parameter in list(signature.items())[2:]} == {
        "backbone_indices": (0, 1, 3),
        "lraspp_head_inter_chs": (32, 64),
        "lraspp_head_out_ch": 128,
        "resize_mode": "bilinear",
        "use_gap": True,
        "pretrained": None,
    }
    assert list(signature)[:2] == ["num_classes", "backbone"]


def test_builds_from_a_config():
    block = {
        "type": "LRASPP",
        "num_classes": 19,
        "backbone": {"type": "MobileNetV3_large_x1_0_os8", "pretrained": None},
        "backbone_indices": [0, 1, 3],
        "lraspp_head_inter_chs": [32, 64],
        "lraspp_head_out_ch": 128,
        "resize_mode": "bilinear",
    }
    with torch.device("meta"):
        model = segwright.build_model(block).eval()
        (logits,) = model(torch.empty(1, 3, 65, 97))
    assert logits.shape == (1, 19, 65, 97)


def test_features_may_be_counted_from_the_end_and_be_any_number():
    assert small(backbone_indices=(-1,), lraspp_head_inter_chs=())(torch.randn(2, 3, 8, 8))[0].shape == (2, 3, 8, 8)
    assert len(small(backbone_indices=(1, 2), lraspp_head_inter_chs=(5,)).refinements) == 1


def test_the_coarsest_features_named_are_used_and_no_coarser_ones():
    model = small(backbone_indices=(0, 1), lraspp_head_inter_chs=(2,)).train()
    model(torch.randn(2, 3, 8, 8))[0].square().mean().backward()
    assert (model.backbone.factors.grad != 0).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"backbone_indices": (0, 1, 3)}, "backbone_indices.*3 feature maps.*none at 3"),
        ({"lraspp_head_inter_chs": (2,)}, "lraspp_head_inter_chs has 1 entries and backbone_indices 3"),
        ({"backbone_indices": (), "lraspp_head_inter_chs": ()}, "one entry for each feature map but the coarsest"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    with pytest.raises(ConfigError, match=complaint):
        small(**arguments)


def test_one_class_is_none():
    with pytest.raises(ConfigError, match="num_classes is 1"):
        LRASPP(1, Pyramid())


def test_an_unknown_resize_mode_is_explained():
    block = {"type": "LRASPP", "num_classes": 2, "backbone": {"type": "MobileNetV3_small_x1_0"}, "resize_mode": "cubic"}
    with pytest.raises(ConfigError, match=r"resize_mode.*'bicubic'"):
        segwright.build_model(block)


@pytest.mark.parametrize("mode", ["nearest", "bicubic", "area"])
def test_resize_mode_is_used(mode):
    image = torch.randn(1, 3, 18, 22)
    plain, other = small().eval()(image)[0], small(resize_mode=mode).eval()(image)[0]
    assert plain.shape == other.shape
    assert not torch.allclose(plain, other)


def test_global_pooling_weighs_all_pixels_alike():
    """The weight of a channel is the same everywhere, so that an image shifted round its edges gives shifted logits."""
    model = small(backbone_indices=(2,), lraspp_head_inter_chs=()).eval()
    image = torch.randn(1, 3, 1, 1) + torch.zeros(1, 3, 16, 16)
    image[:, :, :4, :4] = 2
    before = model._weight(image, image)
    assert before.shape == (1, 8, 1, 1)
    torch.testing.assert_close(model._weight(image.roll((4, 4), (2, 3)), image), before)


def test_window_pooling_averages_49_by_49_pixels_every_16_rows_and_20_columns():
    model = small(use_gap=False, resize_mode="nearest", backbone_indices=(2,), lraspp_head_inter_chs=()).eval()
    nn.init.zeros_(model.weigh.weight)
    model.weigh.weight.data[0, 0] = 1
    features = torch.zeros(1, 3, 49 + 16, 49 + 20)
    features[:, 0, :16] = 49**2  # averages: 16 * 49 in windows of the first rows, 0 below
    weight = model._weight(features, features)[0, 0]
    assert weight.shape == (65, 69)
    assert (weight[:33] == 1).all()
    assert (weight[33:] == 0.5).all()
    features = features.mT.reshape(1, 3, 69, 65)[
        ..., :50
    ]  # one column of windows: 2 rows of them, and no second column
    assert model._weight(features, features).shape == (1, 8, 69, 50)


@pytest.mark.parametrize("size", [(48, 60), (60, 48)])
def test_maps_smaller_than_the_window_are_explained(size):
    model = small(use_gap=False, backbone_indices=(0,), lraspp_head_inter_chs=())
    with pytest.raises(DataError, match=rf"{size[0]}x{size[1]} .*at least 385 pixels .*stride 8, and 1537"):
        model(torch.randn(1, 3, *size))
    assert model(torch.randn(1, 3, 49, 49))[0].shape == (1, 3, 49, 49)


def test_the_head_starts_from_paddles_defaults():
    torch.manual_seed(0)
    model = LRASPP(2, MobileNetV3_small_x0_35())
    for refinement in model.refinements:
        found = refinement.fuse.conv.weight.std()
        refinement.apply(paddle_defaults)
        torch.testing.assert_close(found, refinement.fuse.conv.weight.std(), rtol=0.05, atol=0)
        assert (refinement.fuse.conv.bias == 0).all()


@pytest.mark.slow
def test_window_pooling_traces_for_any_size_that_is_large_enough():
    model = small(use_gap=False, backbone_indices=(1,), lraspp_head_inter_chs=()).eval()
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    program = torch.export.export(model, (torch.randn(1, 3, 131, 157),), dynamic_shapes=(free,))
    image = torch.randn(1, 3, 190, 203)
    torch.testing.assert_close(program.module()(image), model(image))
