"""Depthwise separable convolution."""

import pytest
import torch
import torch.nn.functional as F

from segwright.layers import SeparableConvBNReLU
from segwright.weights.names import paddle_variables


@pytest.mark.parametrize(("padding", "dilation"), [(None, 1), (1, 1), (4, 4)])
def test_is_a_depthwise_then_a_pointwise_convolution(padding, dilation):
    block = SeparableConvBNReLU(3, 5, 3, padding=padding, dilation=dilation).double().eval()
    depthwise, pointwise = block.depthwise.conv, block.pointwise.conv
    scale = (1 + 1e-5) ** -0.5  # of normalisation as it starts
    x = torch.randn(2, 3, 7, 8, dtype=torch.float64)
    spread = scale * F.conv2d(x, depthwise.weight, depthwise.bias, padding=dilation, dilation=dilation, groups=3)
    expected = F.relu(scale * F.conv2d(spread, pointwise.weight, pointwise.bias))
    assert (spread < 0).any()  # nothing cuts them off on the way
    torch.testing.assert_close(block(x), expected)


def test_has_few_weights():
    block = SeparableConvBNReLU(8, 16, 3)
    assert block.depthwise.conv.weight.shape == (8, 1, 3, 3)
    assert block.pointwise.conv.weight.shape == (16, 8, 1, 1)


def test_names_are_paddlesegs_misspelt_one_included():
    names = [variable.name for variable in paddle_variables(SeparableConvBNReLU(2, 2, 3)).values()]
    assert names[:2] == ["depthwise_conv._conv.weight", "depthwise_conv._conv.bias"]
    assert names[-2:] == ["piontwise_conv._batch_norm._mean", "piontwise_conv._batch_norm._variance"]
