"""Batch normalisation: PyTorch's output and gradients, Paddle's running statistics."""

import numpy as np
import pytest
import torch
from torch import nn

from segwright.layers import BatchNorm2d


def pair(num_channels: int) -> tuple[BatchNorm2d, nn.BatchNorm2d]:
    """Ours and PyTorch's with the same random state, in float64."""
    torch.manual_seed(3)
    theirs = nn.BatchNorm2d(num_channels).double()
    for tensor in (theirs.weight.data, theirs.bias.data, theirs.running_mean, theirs.running_var):
        tensor.uniform_(0.5, 1.5)
    ours = BatchNorm2d(num_channels).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 3, 5, 4), (1, 3, 2, 1)])
def test_running_variance_follows_the_biased_batch_variance(shape, memory_format):
    norm, _ = pair(3)
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    for step in range(1, 4):
        x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=memory_format)
        norm(x)
        mean = 0.9 * mean + 0.1 * x.mean((0, 2, 3))
        variance = 0.9 * variance + 0.1 * x.var((0, 2, 3), correction=0)
        torch.testing.assert_close(norm.running_mean, mean, rtol=1e-13, atol=0)
        torch.testing.assert_close(norm.running_var, variance, rtol=1e-13, atol=0)
        assert norm.num_batches_tracked == step


@pytest.mark.parametrize("training", [True, False])
def test_outputs_and_gradients_are_pytorchs(training):
    ours, theirs = (norm.train(training) for norm in pair(3))
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    results = []
    for norm in (ours, theirs):
        leaf = x.clone().requires_grad_()
        output = norm(leaf)
        (output**3).sum().backward()
        results.append((output, leaf.grad, norm.weight.grad, norm.bias.grad))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


def test_may_run_twice_before_the_gradient():
    norm, _ = pair(3)
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    (norm(x).square().sum() + norm(2 * x).square().sum()).backward()
    assert torch.isfinite(x.grad).all()


def test_evaluation_changes_nothing():
    norm, _ = pair(3)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    norm.eval()(torch.randn(2, 3, 4, 5, dtype=torch.float64))
    torch.testing.assert_close(dict(norm.state_dict()), before, rtol=0, atol=0)


def test_single_value_per_channel_gives_the_bias():
    """Batch 1 behind global pooling, where PyTorch stops."""
    norm, _ = pair(3)
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    x = torch.randn(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    output = norm(x)
    output.square().sum().backward()
    torch.testing.assert_close(output.flatten(), norm.bias.data)
    torch.testing.assert_close(norm.running_mean, 0.9 * mean + 0.1 * x.detach().flatten())
    torch.testing.assert_close(norm.running_var, 0.9 * variance)
    assert torch.isfinite(x.grad).all()


def test_equals_paddle(shared):
    data = {name: torch.from_numpy(value) for name, value in np.load(shared / "reference/inference/data.npz").items()}
    norm = BatchNorm2d(2)
    torch.testing.assert_close(norm(data["bn_x"]), data["bn_y"], rtol=1e-5, atol=1e-5)
    for x, step in ((None, ""), (2 * data["bn_x"] + 1, "2")):
        if x is not None:
            norm(x)
        torch.testing.assert_close(norm.running_mean, data[f"bn_mean_after{step}"], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(norm.running_var, data[f"bn_var_after{step}"], rtol=1e-6, atol=1e-6)
