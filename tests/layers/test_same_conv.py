"""Padding "same": output size, values, gradients' reach, and export with free height and width."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from segwright.layers import ConvBN, ConvBNReLU, DepthwiseConvBN, SameConv2d


def same_conv(image, kernel, stride):
    """Sum by sum: (C, H, W) image, (O, C, k, k) kernel; the odd pixel of padding goes to the bottom and right."""
    out_channels, _, size, _ = kernel.shape
    sides = image.shape[1:]
    outs = [-(-side // stride) for side in sides]
    totals = [max((out - 1) * stride + size - side, 0) for out, side in zip(outs, sides, strict=True)]
    padded = np.pad(image, ((0, 0), *((total // 2, total - total // 2) for total in totals)))
    result = np.zeros((out_channels, *outs))
    for row in range(outs[0]):
        for column in range(outs[1]):
            top, left = row * stride, column * stride
            result[:, row, column] = (kernel * padded[:, top : top + size, left : left + size]).sum((1, 2, 3))
    return result


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    kernel_size=st.integers(1, 7),
    stride=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_equals_the_sum_over_a_padded_image(height, width, kernel_size, stride, seed):
    if 1 < kernel_size < stride:
        return
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((2, height, width))
    conv = SameConv2d(2, 3, kernel_size, stride=stride, bias=False).double()
    kernel = conv.weight.detach().numpy()
    output = conv(torch.from_numpy(image)[None])[0]
    np.testing.assert_allclose(output.detach().numpy(), same_conv(image, kernel, stride), atol=1e-12)


def test_even_sizes_at_stride_2_pad_only_bottom_and_right():
    conv = SameConv2d(1, 1, 3, stride=2, bias=False)
    nn.init.ones_(conv.weight)
    even, odd = conv(torch.ones(1, 1, 4, 4)), conv(torch.ones(1, 1, 5, 5))
    assert even[0, 0].tolist() == [[9, 6], [6, 4]]
    assert odd[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_a_kernel_that_would_skip_pixels_is_refused():
    with pytest.raises(ValueError, match="skip"):
        SameConv2d(1, 1, 2, stride=3)


def test_exports_with_free_height_and_width():
    """Both parities of both sides come out of one graph, although the padding depends on them."""
    blocks = nn.Sequential(ConvBNReLU(3, 4, 3, stride=2), DepthwiseConvBN(4, 8, 5, stride=2), ConvBN(8, 2, 3)).eval()
    free = torch.export.Dim.DYNAMIC
    graph = torch.export.export(blocks, (torch.zeros(1, 3, 20, 26),), dynamic_shapes=({2: free, 3: free},)).module()
    for height, width in [(20, 26), (21, 27), (22, 29), (23, 24), (64, 96)]:
        image = torch.randn(1, 3, height, width)
        torch.testing.assert_close(graph(image), blocks(image))


def test_blocks_keep_channels_last():
    block = ConvBNReLU(4, 8, 3, stride=2).to(memory_format=torch.channels_last)
    image = torch.randn(2, 4, 10, 12).contiguous(memory_format=torch.channels_last)
    assert block(image).is_contiguous(memory_format=torch.channels_last)


def test_equals_paddle(shared):
    data = np.load(shared / "reference/inference/data.npz")
    cases = [name for name in data.files if name.startswith("conv_same_") and "|" not in name]
    assert len(cases) == 8
    for case in cases:
        kernel = torch.from_numpy(data[f"{case}|w"])
        size, stride = int(case[len("conv_same_k")]), int(case[len("conv_same_k3s")])
        conv = SameConv2d(2, 3, size, stride=stride, bias=False)
        conv.weight.data = kernel
        output = conv(torch.from_numpy(data["feat"])).detach().numpy()
        np.testing.assert_allclose(output, data[case], rtol=1e-5, atol=1e-5, err_msg=case)
