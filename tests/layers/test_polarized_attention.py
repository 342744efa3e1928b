"""Polarized self-attention against its definition, which convolves every pixel."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.layers import PolarizedSelfAttention
from segwright.weights.names import paddle_variables


def as_defined(block, x):
    """The paper's parallel layout, step by step."""
    count, _, height, width = x.shape
    value = block.channel_value(x).flatten(2)
    weights = block.channel_query(x).flatten(2).softmax(2)
    channel_gate = block.channel_up((value * weights).sum(2)[:, :, None, None]).sigmoid()

    query = block.spatial_query(x).mean((2, 3))
    scores = (query[:, :, None, None] * block.spatial_value(x)).sum(1)
    spatial_gate = scores.flatten(1).softmax(1).reshape(count, 1, height, width).sigmoid()
    return x * channel_gate + x * spatial_gate


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 3),
    channels=st.integers(2, 9),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    memory_format=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    seed=st.integers(0, 100),
)
def test_is_the_paper_s_formula(count, channels, height, width, memory_format, seed):
    torch.manual_seed(seed)
    block = PolarizedSelfAttention(channels).double()
    x = (3 * torch.randn(count, channels, height, width, dtype=torch.double)).contiguous(memory_format=memory_format)
    output = block(x)
    torch.testing.assert_close(output, as_defined(block, x), rtol=1e-12, atol=1e-12)
    assert output.is_contiguous(memory_format=memory_format)


def test_has_the_gradients_of_the_formula():
    torch.manual_seed(0)
    block = PolarizedSelfAttention(6).double()
    x = torch.randn(2, 6, 4, 5, dtype=torch.double, requires_grad=True)
    wanted = [x, *block.parameters()]
    ours = torch.autograd.grad(block(x).square().sum(), wanted)
    defined = torch.autograd.grad(as_defined(block, x).square().sum(), wanted)
    for gradient, expected in zip(ours, defined, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


def test_leaves_its_input_alone():
    x = torch.randn(1, 4, 3, 3)
    before = x.clone()
    PolarizedSelfAttention(4)(x)
    assert torch.equal(x, before)


def test_a_picture_does_not_see_the_others_of_its_batch():
    torch.manual_seed(0)
    block, x = PolarizedSelfAttention(4), torch.randn(3, 4, 5, 6)
    torch.testing.assert_close(block(x)[1:2], block(x[1:2]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("theirs", ["conv_q_right", "conv_v_right", "conv_up", "conv_q_left", "conv_v_left"])
def test_has_paddlesegs_variables(theirs):
    block = PolarizedSelfAttention(8)
    shapes = {
        variable.name: tuple(block.state_dict()[ours].shape) for ours, variable in paddle_variables(block).items()
    }
    assert len(shapes) == 5
    wanted = {"conv_q_right": (1, 8, 1, 1), "conv_up": (8, 4, 1, 1)}
    assert shapes[f"{theirs}.weight"] == wanted.get(theirs, (4, 8, 1, 1))
