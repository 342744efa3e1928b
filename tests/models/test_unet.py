"""UNet: the way up, the classifier with two names."""

import inspect

import pytest
import torch
from torch import nn

from segwright.models import UNet
from segwright.models.unet import UpBlock
from segwright.registry import MODELS
from segwright.weights import load_weights, save_weights
from segwright.weights.names import paddle_variables


@pytest.mark.parametrize("align_corners", [False, True])
def test_align_corners_reaches_every_resize(align_corners, monkeypatch):
    from segwright.models import unet

    seen = []
    resize = unet.resize_to
    monkeypatch.setattr(unet, "resize_to", lambda x, to, align: (seen.append(align), resize(x, to, align))[1])
    with torch.no_grad():
        UNet(2, align_corners=align_corners)(torch.randn(1, 3, 16, 16))
    assert seen == [align_corners] * 4


def test_deconv_fills_the_pixel_that_pooling_dropped():
    """Pixels that the coarse features cover are the transposed convolution's; the last row and column are 0."""
    block = UpBlock(2, 3, 4, use_deconv=True, align_corners=False)
    seen = []
    block.fuse.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x, skip = torch.randn(1, 2, 2, 3), torch.randn(1, 3, 5, 7)
    assert block(x, skip).shape == (1, 4, 5, 7)
    (fused,) = seen
    torch.testing.assert_close(fused[:, :2, :4, :6], block.deconv(x))
    assert not fused[:, :2, 4:].any()
    assert not fused[:, :2, :, 6:].any()
    torch.testing.assert_close(fused[:, 2:], skip)


def test_classifier_has_two_names_but_one_weight(tmp_path):
    model = UNet(2)
    names = {variable.name for variable in paddle_variables(model).values()}
    assert {"cls.weight", "cls.bias", "conv.weight", "conv.bias"} <= names
    assert len(names) == 112
    assert sum(parameter.shape == (2, 64, 3, 3) for parameter in model.parameters()) == 1  # the optimiser sees it once

    save_weights(model, tmp_path / "model.safetensors")
    restored = UNet(2)
    assert load_weights(restored, tmp_path / "model.safetensors").complete
    assert restored.classify.weight is restored.classify_again.weight
    torch.testing.assert_close(restored.classify.weight, model.classify.weight, rtol=0, atol=0)


def test_is_registered_with_the_arguments_of_configs():
    assert MODELS["UNet"] is UNet
    names = ["num_classes", "align_corners", "use_deconv", "in_channels", "pretrained"]
    assert list(inspect.signature(UNet).parameters) == names


def test_starts_from_paddles_defaults():
    torch.manual_seed(0)
    for module in UNet(2).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            fan_in = module.weight[0].numel()
            torch.testing.assert_close(module.weight.std().item(), (2 / fan_in) ** 0.5, rtol=0.05, atol=0)
            assert not module.bias.any()
