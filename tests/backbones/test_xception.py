"""Xception for DeepLabV3+: feature maps, strides, normalisation, names."""

import inspect
import logging

import pytest
import torch
from torch import nn

from segwright.backbones import Xception41_deeplab, Xception65_deeplab, Xception71_deeplab
from segwright.backbones.xception_deeplab import SeparableConv, XceptionBlock
from segwright.registry import BACKBONES
from segwright.weights.names import paddle_variables

VARIANTS = (Xception41_deeplab, Xception65_deeplab, Xception71_deeplab)


def shapes(backbone, *size):
    """Of the feature maps, without computing a number."""
    return [tuple(features.shape) for features in backbone(torch.empty(size, device="meta"))]


@pytest.mark.parametrize(
    ("variant", "output_stride", "fine", "coarse"),
    [
        (Xception41_deeplab, 16, (25, 33), (7, 9)),
        (Xception41_deeplab, 32, (25, 33), (4, 5)),
        (Xception71_deeplab, 16, (25, 33), (2, 3)),
    ],
)
def test_maps_are_at_a_quarter_and_at_the_output_stride(variant, output_stride, fine, coarse):
    with torch.device("meta"):
        backbone = variant(output_stride=output_stride)
    assert shapes(backbone, 2, 3, 97, 131) == [(2, 128, *fine), (2, 2048, *coarse)]
    assert backbone.feat_channels == (128, 2048)


@pytest.mark.parametrize(("variant", "num_convs"), list(zip(VARIANTS, (41, 65, 71), strict=True)))
def test_is_named_for_its_convolutions(variant, num_convs):
    """A separable convolution counts once, a shortcut not at all."""
    with torch.device("meta"):
        backbone = variant()
    num_separable = sum(isinstance(module, SeparableConv) for module in backbone.modules())
    num_stem = sum(isinstance(module, nn.Conv2d) for module in backbone.stem)
    assert num_separable + num_stem == num_convs


def test_output_stride_8_says_that_it_changes_nothing(caplog):
    with torch.device("meta"), caplog.at_level(logging.WARNING, "segwright"):
        backbone = Xception41_deeplab(output_stride=8)
        assert "Xception41_deeplab: output_stride 8 is the same as 16" in caplog.text
        assert shapes(backbone, 1, 3, 64, 64)[1] == (1, 2048, 4, 4)


def test_normalises_with_the_papers_constants():
    with torch.device("meta"):
        norms = [module for module in Xception65_deeplab().modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


def test_block_adds_to_its_unchanged_input():
    block = XceptionBlock((4, 6, 6, 4), stride=1, project=False)
    nn.init.zeros_(block.convs[2].pointwise_norm.weight)
    x = torch.randn(2, 4, 5, 7)
    before = x.clone()
    torch.testing.assert_close(block(x), before, rtol=0, atol=0)  # negative values too, despite the ReLU
    torch.testing.assert_close(x, before, rtol=0, atol=0)


def test_exit_flow_alone_activates_within_a_separable_convolution():
    with torch.device("meta"):
        backbone = Xception65_deeplab()
    active = [name for name, module in backbone.named_modules() if getattr(module, "activate", False)]
    assert active == ["exit_convs.0", "exit_convs.1", "exit_convs.2"]
    x = torch.randn(2, 3, 4, 4)
    assert (SeparableConv(3, 5, activate=True)(x) >= 0).all()
    assert (SeparableConv(3, 5)(x) < 0).any()


def test_names_are_paddlesegs():
    with torch.device("meta"):
        names = {variable.name for variable in paddle_variables(Xception71_deeplab()).values()}
    assert {
        "_conv2._bn._variance",
        "xception_71/entry_flow/block5._short._conv.weight",
        "xception_71/middle_flow/block16._conv3._bn2._mean",
        "_exit_flow_1._conv1._bn1.weight",
        "_exit_flow_2._conv3._conv2.weight",
    } <= names
    assert len(names) == 730


@pytest.mark.parametrize("variant", VARIANTS)
def test_is_registered_with_the_arguments_of_configs(variant):
    assert BACKBONES[variant.__name__] is variant
    assert list(inspect.signature(variant).parameters) == ["in_channels", "pretrained", "output_stride"]
