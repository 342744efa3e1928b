"""BiSeNetV2: resizes, arguments, initial weights."""

import inspect

import pytest
import torch
from torch import nn

from segwright.errors import ConfigError
from segwright.models import BiSeNetV2
from segwright.registry import MODELS


@pytest.mark.parametrize("align_corners", [False, True])
def test_align_corners_reaches_every_resize(align_corners, monkeypatch):
    from segwright.models import bisenet_v2

    seen = []
    resize = bisenet_v2.resize_to
    monkeypatch.setattr(bisenet_v2, "resize_to", lambda x, to, align: (seen.append(align), resize(x, to, align))[1])
    with torch.no_grad():
        BiSeNetV2(2, align_corners=align_corners)(torch.randn(2, 3, 32, 32))
    assert seen == [align_corners] * 7  # two in the aggregation, five logits


def test_is_registered_with_the_arguments_of_configs():
    assert MODELS["BiSeNetV2"] is BiSeNetV2
    assert list(inspect.signature(BiSeNetV2).parameters)[:4] == ["num_classes", "lambd", "align_corners", "pretrained"]
    assert BiSeNetV2.output_names == ("main", "stage2", "stage3", "stage4", "stage5")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"num_classes": 1}, "background"),
        ({"num_classes": 2, "lambd": 0.01}, "lambd"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    with pytest.raises(ConfigError, match=complaint):
        BiSeNetV2(**arguments)


def test_starts_from_kaiming_normal_and_zero_biases():
    torch.manual_seed(0)
    for module in BiSeNetV2(2).modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            if module.weight.numel() > 5000:
                torch.testing.assert_close(module.weight.std(), torch.tensor((2 / fan_in) ** 0.5), rtol=0.05, atol=0)
            assert module.bias is not None
            assert not module.bias.any()
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()
