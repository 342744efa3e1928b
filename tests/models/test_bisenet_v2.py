"""BiSeNetV2: shapes, arguments, initial weights."""

import inspect

import pytest
import torch
from torch import nn

from segwright.errors import ConfigError
from segwright.models import BiSeNetV2
from segwright.registry import MODELS


@pytest.fixture
def model() -> BiSeNetV2:
    return BiSeNetV2(num_classes=3)


@pytest.mark.parametrize("size", [(64, 96), (45, 51), (33, 64), (1, 1)])
def test_outputs_have_the_size_of_the_image(model, size):
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        training, evaluation = model.train()(image), model.eval()(image)
    assert {tuple(logits.shape) for logits in training + evaluation} == {(2, 3, *size)}
    assert (len(training), len(evaluation)) == (5, 1)
    assert len(model.output_names) == 5


@pytest.mark.parametrize("align_corners", [False, True])
def test_align_corners_reaches_every_resize(align_corners, monkeypatch):
    from segwright.models import bisenet_v2

    seen = []
    resize = bisenet_v2.resize_to
    monkeypatch.setattr(bisenet_v2, "resize_to", lambda x, to, align: (seen.append(align), resize(x, to, align))[1])
    with torch.no_grad():
        BiSeNetV2(2, align_corners=align_corners)(torch.randn(2, 3, 32, 32))
    assert seen == [align_corners] * 7  # two in the aggregation, five logits


def test_trains_on_a_single_image(model):
    outputs = model.train()(torch.randn(1, 3, 64, 64))
    sum(logits.square().mean() for logits in outputs).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_channels_last_gives_the_same_logits(model):
    image = torch.randn(1, 3, 64, 96)
    (expected,) = model.eval()(image)
    (logits,) = model.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)


def test_takes_images_of_other_bands():
    (logits,) = BiSeNetV2(2, in_channels=5).eval()(torch.randn(1, 5, 32, 32))
    assert logits.shape == (1, 2, 32, 32)


def test_is_registered_with_the_arguments_of_configs():
    assert MODELS["BiSeNetV2"] is BiSeNetV2
    assert list(inspect.signature(BiSeNetV2).parameters)[:4] == ["num_classes", "lambd", "align_corners", "pretrained"]


def test_pretrained_is_kept_and_not_loaded():
    assert BiSeNetV2(2, pretrained="/nowhere/model.pdparams").pretrained == "/nowhere/model.pdparams"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"num_classes": 1}, "background"),
        ({"num_classes": 2, "lambd": 0.01}, "lambd"),
        ({"num_classes": 2, "in_channels": 0}, "in_channels"),
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


@pytest.mark.slow
def test_exports_with_free_height_and_width(model):
    free = torch.export.Dim.DYNAMIC
    model.eval()
    shapes = ({2: free, 3: free},)
    graph = torch.export.export(model, (torch.randn(1, 3, 96, 128),), dynamic_shapes=shapes).module()
    for size in [(96, 128), (97, 131), (64, 66)]:
        image = torch.randn(1, 3, *size)
        torch.testing.assert_close(graph(image)[0], model(image)[0], rtol=1e-3, atol=1e-4)
