"""PSPNet: shapes, outputs, arguments."""

import inspect

import pytest
import torch

import segwright
from segwright.backbones import ResNet18_vd
from segwright.errors import ConfigError
from segwright.models import PSPNet
from segwright.registry import MODELS


@pytest.fixture
def model() -> PSPNet:
    torch.manual_seed(0)
    return PSPNet(3, ResNet18_vd(output_stride=16), pp_out_channels=32)


@pytest.mark.parametrize("size", [(64, 96), (45, 51), (1, 1)])
def test_outputs_have_the_size_of_the_image(model, size):
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        training, evaluation = model.train()(image), model.eval()(image)
    assert {tuple(logits.shape) for logits in training + evaluation} == {(2, 3, *size)}
    assert (len(training), len(evaluation)) == (2, 1)
    assert model.output_names == ("main", "aux")


def test_aux_can_be_left_out():
    model = PSPNet(3, ResNet18_vd(), pp_out_channels=32, enable_auxiliary_loss=False).train()
    assert model.output_names == ("main",)
    assert len(model(torch.randn(1, 3, 32, 32))) == 1
    assert not any("aux" in name for name in model.state_dict())


def test_trains_on_a_single_image(model):
    outputs = model.train()(torch.randn(1, 3, 64, 64))
    sum(logits.square().mean() for logits in outputs).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_channels_last_and_float64_give_the_same_logits(model):
    image = torch.randn(1, 3, 64, 96)
    (expected,) = model.eval()(image)
    (logits,) = model.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)
    (logits,) = model.double()(image.double())
    torch.testing.assert_close(logits.float(), expected, rtol=1e-3, atol=1e-4)


def test_align_corners_changes_the_logits(model):
    image = torch.randn(1, 3, 64, 96)
    (free,) = model.eval()(image)
    model.align_corners = model.pyramid.align_corners = True
    (aligned,) = model(image)
    assert not torch.allclose(free, aligned)
    assert PSPNet(3, ResNet18_vd(), align_corners=True, pp_out_channels=8).pyramid.align_corners


def test_is_registered_with_the_arguments_of_configs():
    assert MODELS["PSPNet"] is PSPNet
    names = (
        "num_classes backbone backbone_indices pp_out_channels bin_sizes enable_auxiliary_loss align_corners pretrained"
    )
    assert list(inspect.signature(PSPNet).parameters) == names.split()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"backbone_indices": [2, 4]}, "4 feature maps, there is none at 4"),
        ({"backbone_indices": [3]}, "entry 1 is missing"),
        ({"bin_sizes": []}, "bin_sizes.*such as"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "PSPNet", "num_classes": 2, "backbone": {"type": "ResNet18_vd"}, **arguments}
    with torch.device("meta"), pytest.raises(ConfigError, match=complaint):
        segwright.build_model(block)


def test_leaves_the_weights_of_its_backbone_alone():
    backbone = ResNet18_vd()
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    model = PSPNet(2, backbone, pp_out_channels=8)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.backbone.state_dict().items())


@pytest.mark.slow
def test_exports_with_free_height_and_width(model):
    free = torch.export.Dim.DYNAMIC
    model.eval()
    shapes = ({2: free, 3: free},)
    graph = torch.export.export(model, (torch.randn(1, 3, 96, 128),), dynamic_shapes=shapes).module()
    for size in [(96, 128), (97, 131), (40, 66)]:
        image = torch.randn(1, 3, *size)
        torch.testing.assert_close(graph(image)[0], model(image)[0], rtol=1e-3, atol=1e-4)
