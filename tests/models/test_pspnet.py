"""PSPNet: outputs, resizes, arguments."""

import inspect

import pytest
import torch

import segwright
from segwright.backbones import ResNet18_vd
from segwright.errors import ConfigError
from segwright.models import PSPNet
from segwright.registry import MODELS


def test_aux_can_be_left_out():
    assert PSPNet(3, ResNet18_vd(), pp_out_channels=32).output_names == ("main", "aux")
    model = PSPNet(3, ResNet18_vd(), pp_out_channels=32, enable_auxiliary_loss=False).train()
    assert model.output_names == ("main",)
    assert len(model(torch.randn(1, 3, 32, 32))) == 1
    assert not any("aux" in name for name in model.state_dict())


def test_align_corners_changes_the_logits():
    model = PSPNet(3, ResNet18_vd(output_stride=16), pp_out_channels=32)
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
