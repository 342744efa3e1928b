"""DeepLabV3 and DeepLabV3+: resizes, arguments, initial weights."""

import inspect

import pytest
import torch
from torch import nn

import segwright
from segwright.backbones import Backbone
from segwright.errors import ConfigError
from segwright.models import DeepLabV3, DeepLabV3P
from segwright.registry import MODELS


class Pyramid(Backbone):
    """Features at 1/2 and 1/4, each from one convolution."""

    feat_channels = (4, 8)

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.coarse = nn.Conv2d(4, 8, 3, stride=2, padding=1)

    def forward(self, image):
        fine = self.fine(image)
        return [fine, self.coarse(fine)]


def v3(num_classes: int = 3, **arguments) -> DeepLabV3:
    return DeepLabV3(num_classes, Pyramid(), (1,), **{"aspp_ratios": (1, 2), "aspp_out_channels": 16, **arguments})


def v3p(num_classes: int = 3, **arguments) -> DeepLabV3P:
    return DeepLabV3P(num_classes, Pyramid(), (0, 1), **{"aspp_ratios": (1, 2), "aspp_out_channels": 16, **arguments})


@pytest.mark.parametrize(("build", "module", "count"), [(v3, "deeplab_v3", 1), (v3p, "deeplab_v3p", 2)])
@pytest.mark.parametrize("align_corners", [False, True])
def test_align_corners_reaches_every_resize(build, module, count, align_corners, monkeypatch):
    module = getattr(segwright.models, module)
    seen = []
    resize = module.resize_to
    monkeypatch.setattr(module, "resize_to", lambda x, to, align: (seen.append(align), resize(x, to, align))[1])
    build(align_corners=align_corners)(torch.randn(2, 3, 8, 8))
    assert seen == [align_corners] * count


def test_fine_features_matter_to_v3p_alone():
    """Noise in the fine map moves the logits although the coarse map stays as it is."""
    model = v3p().eval()
    fine, coarse = model.backbone(torch.randn(1, 3, 16, 16))
    logits = model.decoder(fine, model.aspp(coarse))
    assert not torch.allclose(logits, model.decoder(fine + 1, model.aspp(coarse)))
    assert logits.shape[-2:] == fine.shape[-2:]


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        ("DeepLabV3", "num_classes backbone backbone_indices aspp_ratios aspp_out_channels align_corners pretrained"),
        (
            "DeepLabV3P",
            "num_classes backbone backbone_indices aspp_ratios aspp_out_channels align_corners pretrained data_format",
        ),
    ],
)
def test_is_registered_with_the_arguments_of_configs(architecture, names):
    assert list(inspect.signature(MODELS[architecture]).parameters) == names.split()


def test_defaults_are_paddlesegs():
    with torch.device("meta"):
        model = segwright.build_model({"type": "DeepLabV3P", "num_classes": 2, "backbone": {"type": "ResNet50_vd"}})
    assert model.backbone_indices == (0, 3)
    dilations = [module.dilation[0] for module in model.aspp.views.modules() if isinstance(module, nn.Conv2d)]
    assert dilations == [1, 6, 1, 12, 1, 18, 1]
    assert model.decoder.fuse[0].depthwise.conv.in_channels == 304


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"backbone_indices": [0, 3]}, "2 feature maps, there is none at 3"),
        ({"backbone_indices": [1]}, "entry 1 is missing"),
        ({"backbone_indices": [0, 1], "aspp_ratios": [0]}, "aspp_ratios"),
        ({"backbone_indices": [0, 1], "data_format": "NHWC"}, "data_format.*NCHW"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "DeepLabV3P", "num_classes": 2, "backbone": {"type": "Xception41_deeplab"}, **arguments}
    with torch.device("meta"), pytest.raises(ConfigError, match=complaint):
        segwright.build_model(block)


def test_starts_from_paddles_defaults():
    torch.manual_seed(0)
    model = DeepLabV3P(3, Pyramid(), (0, 1))
    depthwise = model.decoder.fuse[1].depthwise.conv
    torch.testing.assert_close(depthwise.weight.std().item(), (2 / (9 * 256)) ** 0.5, rtol=0.1, atol=0)
    assert not depthwise.bias.any()
