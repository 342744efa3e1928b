"""Adaptive average, pyramid pooling and the auxiliary head."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from segwright.errors import ConfigError
from segwright.layers import AuxHead, PyramidPooling, adaptive_average
from segwright.weights.names import paddle_variables


class Pool(nn.Module):
    """Two levels of averages, stretched over the image again."""

    def forward(self, x):
        return F.interpolate(adaptive_average(x, 3), x.shape[-2:]) + F.interpolate(adaptive_average(x, 1), x.shape[-2:])


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_traced_averages_are_pytorchs(height, width, bins):
    """Windows overlap, or repeat pixels, where the bins do not divide the size."""
    x = torch.randn(2, 3, height, width, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        traced = adaptive_average(x, bins)
    torch.testing.assert_close(traced, F.adaptive_avg_pool2d(x, bins))
    torch.testing.assert_close(adaptive_average(x, bins), traced)


@pytest.mark.slow
def test_averages_hold_for_every_size_in_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    free = torch.export.Dim.DYNAMIC
    file = tmp_path / "pool.onnx"
    shapes = ({2: free, 3: free},)
    torch.onnx.export(Pool().eval(), (torch.randn(1, 2, 24, 40),), file, dynamo=True, dynamic_shapes=shapes)
    session = runtime.InferenceSession(file)
    for size in [(24, 40), (25, 41), (13, 9), (2, 1)]:
        x = torch.randn(1, 2, *size)
        (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), Pool()(x), rtol=1e-4, atol=1e-5)


def test_pyramid_gives_every_pixel_the_average_of_its_window():
    pyramid = PyramidPooling(2, 4, bin_sizes=(1, 2), align_corners=False).eval()
    seen = []
    pyramid.fuse.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    for level in pyramid.levels:  # let the first channel through as it is
        nn.init.zeros_(level.conv.bias)
        with torch.no_grad():
            level.conv.weight.copy_(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1))
    x = torch.rand(1, 2, 4, 6)
    assert pyramid(x).shape == (1, 4, 4, 6)
    features, fine, coarse = seen[0].split([2, 1, 1], dim=1)  # the last level comes first
    torch.testing.assert_close(features, x)
    torch.testing.assert_close(coarse[0, 0], x[0, 0].mean().expand(4, 6), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fine[0, 0, 0, 0], x[0, 0, :2, :3].mean(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bin_sizes", [(), (0, 1), (1, 2, 3)])
def test_pyramid_without_levels_or_channels_is_refused(bin_sizes):
    with pytest.raises(ConfigError, match="bin_sizes"):
        PyramidPooling(2, 4, bin_sizes, align_corners=False)


def test_aux_head_keeps_the_resolution_and_drops_only_in_training():
    head = AuxHead(4, 8, 3, dropout=0.5)
    x = torch.randn(2, 4, 5, 7)
    assert head(x).shape == (2, 3, 5, 7)
    assert not torch.equal(head(x), head(x))
    head.eval()
    assert torch.equal(head(x), head(x))


def test_names_are_paddlesegs():
    pyramid = {variable.name for variable in paddle_variables(PyramidPooling(4, 4, (1, 2), False)).values()}
    assert {"stages.0.1._conv.bias", "stages.1.1._batch_norm._mean", "conv_bn_relu2._conv.weight"} <= pyramid
    head = {variable.name for variable in paddle_variables(AuxHead(4, 4, 2)).values()}
    assert {"conv_bn_relu._conv.bias", "conv_bn_relu._batch_norm.weight", "conv.weight", "conv.bias"} <= head
