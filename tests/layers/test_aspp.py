"""Atrous spatial pyramid pooling: views, their reach, and the image's average."""

import pytest
import torch
from torch import nn

from segwright.errors import ConfigError
from segwright.layers import ASPP, ConvBNReLU, SeparableConvBNReLU
from segwright.weights.names import paddle_variables


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (4, 9), (5, 5)])
def test_keeps_the_resolution(separable, size):
    aspp = ASPP(6, 4, (1, 6, 12), separable=separable)
    assert aspp(torch.randn(2, 6, *size)).shape == (2, 4, *size)


@pytest.mark.parametrize(("separable", "kind"), [(False, ConvBNReLU), (True, SeparableConvBNReLU)])
def test_dilation_1_is_a_1x1_convolution_and_others_are_3x3(separable, kind):
    one, other = ASPP(6, 4, (1, 2), separable=separable).views
    assert type(one) is ConvBNReLU
    assert one.conv.kernel_size == (1, 1)
    assert type(other) is kind
    conv = other.depthwise.conv if separable else other.conv
    assert (conv.kernel_size, conv.dilation) == ((3, 3), (2, 2))


@pytest.mark.parametrize("separable", [False, True])
def test_a_view_sees_pixels_at_its_dilation(separable):
    (view,) = ASPP(2, 3, (3,), separable=separable).eval().views
    for parameter in view.parameters():
        nn.init.ones_(parameter)
    x = torch.ones(1, 2, 9, 9, requires_grad=True)
    view(x)[0, :, 4, 4].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero().tolist()
    assert seen == [[row, column] for row in (1, 4, 7) for column in (1, 4, 7)]


def test_the_average_reaches_every_pixel_alike():
    aspp = ASPP(2, 16, (), separable=False).eval()  # the average is the only view
    x = torch.randn(2, 2, 4, 5)
    output = aspp(x)
    torch.testing.assert_close(output, output[..., :1, :1].expand_as(output))
    torch.testing.assert_close(output, aspp(x.flip(-1)))
    assert not torch.allclose(output[0], output[1])


def test_trains_on_a_single_image():
    aspp = ASPP(4, 3, (1, 6), separable=True).train()
    aspp(torch.randn(1, 4, 3, 3)).square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in aspp.parameters())


def test_only_the_average_has_no_bias():
    aspp = ASPP(4, 3, (1, 6), separable=True)
    unbiased = [name for name, module in aspp.named_modules() if isinstance(module, nn.Conv2d) and module.bias is None]
    assert unbiased == ["pooled_view.1.conv"]


def test_names_are_paddlesegs():
    names = {variable.name for variable in paddle_variables(ASPP(4, 3, (1, 6), separable=True)).values()}
    assert {
        "aspp_blocks.0._conv.weight",
        "aspp_blocks.1.piontwise_conv._conv.bias",
        "global_avg_pool.1._batch_norm._mean",
        "conv_bn_relu._conv.weight",
    } <= names


@pytest.mark.parametrize("ratios", [(0,), (1, -6)])
def test_impossible_dilations_are_explained(ratios):
    with pytest.raises(ConfigError, match="aspp_ratios"):
        ASPP(4, 3, ratios, separable=False)
