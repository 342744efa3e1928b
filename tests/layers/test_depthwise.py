"""Dilated depthwise convolution in pieces is the convolution in one."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.layers import DepthwiseConv2d
from segwright.layers.depthwise import join_phases, split_phases

sizes = st.integers(1, 19)


@settings(deadline=None)
@given(sizes, sizes, st.sampled_from([1, 3, 5]), st.integers(1, 6), st.integers(1, 2), st.booleans())
def test_is_the_dilated_convolution(height, width, kernel_size, dilation, num_images, channels_last):
    conv = DepthwiseConv2d(3, kernel_size, dilation=dilation).double()
    x = torch.randn(num_images, 3, height, width, dtype=torch.double)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    padding = dilation * (kernel_size // 2)
    expected = F.conv2d(x, conv.weight, padding=padding, dilation=dilation, groups=3)
    torch.testing.assert_close(conv(x), expected)
    assert torch.equal(x, before)


@pytest.mark.parametrize(("size", "dilation"), [((8, 12), 4), ((7, 9), 2), ((2, 3), 3)])
def test_gradients_are_those_of_the_dilated_convolution(size, dilation):
    conv = DepthwiseConv2d(2, 3, dilation=dilation).double()
    x = torch.randn(2, 2, *size, dtype=torch.double, requires_grad=True)
    upstream = torch.randn_like(x)
    found = torch.autograd.grad(conv(x), (x, conv.weight), upstream)
    plain = F.conv2d(x, conv.weight, padding=dilation, dilation=dilation, groups=2)
    torch.testing.assert_close(found, torch.autograd.grad(plain, (x, conv.weight), upstream))


def test_strides_round_up():
    assert DepthwiseConv2d(2, 5, stride=2)(torch.zeros(1, 2, 7, 8)).shape == (1, 2, 4, 4)


def test_phases_are_interleaved_rows_and_columns():
    x = torch.arange(15.0).view(1, 1, 3, 5)
    phases = split_phases(x, 2)
    assert phases.shape == (4, 1, 2, 3)
    assert phases[0, 0].tolist() == [[0, 2, 4], [10, 12, 14]]
    assert phases[3, 0].tolist() == [[6, 8, 0], [0, 0, 0]]
    assert torch.equal(join_phases(phases, 2)[:, :, :3, :5], x)


def test_channels_last_stays():
    x = torch.zeros(1, 4, 8, 8).contiguous(memory_format=torch.channels_last)
    assert DepthwiseConv2d(4, 3, dilation=2)(x).is_contiguous(memory_format=torch.channels_last)


def test_exported_graphs_hold_one_convolution():
    program = torch.export.export(DepthwiseConv2d(2, 3, dilation=2), (torch.zeros(1, 2, 8, 8),))
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    assert ["conv2d" in str(node.target) for node in calls] == [True]


def test_stride_and_dilation_exclude_each_other():
    with pytest.raises(ValueError, match="stride 2 and dilation 3"):
        DepthwiseConv2d(2, 3, stride=2, dilation=3)
