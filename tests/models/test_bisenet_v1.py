"""BiSeNetV1: backbones, attention, arguments."""

import inspect

import pytest
import torch

import segwright
from segwright.backbones import Backbone, ResNet50_vd
from segwright.errors import ConfigError
from segwright.models import BiSeNetV1
from segwright.models.bisenet_v1 import FeatureFusion
from segwright.registry import MODELS


class TwoMaps(Backbone):
    """Says that it has two feature maps."""

    feat_channels = (8, 16)


def test_takes_any_backbone_with_three_feature_maps():
    with torch.device("meta"):
        model = BiSeNetV1(3, ResNet50_vd(output_stride=32), conv_channel=64).eval()
        (logits,) = model(torch.empty(1, 3, 97, 131))
    assert logits.shape == (1, 3, 97, 131)
    with pytest.raises(ConfigError, match="TwoMaps returns 2 feature maps, there is none at -3"):
        BiSeNetV1(3, TwoMaps())


def test_attention_at_most_doubles_the_fused_features():
    fusion = FeatureFusion(4, 6).eval()
    detail, context = torch.randn(2, 2, 5, 7), torch.randn(2, 2, 5, 7)
    mixed = fusion.mix(torch.cat([detail, context], dim=1))
    fused = fusion(detail, context)
    assert (fused >= 1.5 * mixed - 1e-6).all()  # the gate is a sigmoid of what is not negative
    assert (fused <= 2 * mixed + 1e-6).all()


def test_has_paddlesegs_name_and_the_papers():
    assert MODELS["BiseNetV1"] is MODELS["BiSeNetV1"] is BiSeNetV1
    names = ["num_classes", "backbone", "conv_channel", "pretrained", "in_channels"]
    assert list(inspect.signature(BiSeNetV1).parameters) == names
    assert BiSeNetV1.output_names == ("context16", "context8", "main")


def test_a_config_builds_it():
    block = {"type": "BiseNetV1", "num_classes": 2, "backbone": {"type": "ResNet18_vd", "output_stride": 8}}
    with torch.device("meta"):
        model = segwright.build_model(block)
    assert (model.backbone.feat_channels, model.pretrained) == ((64, 128, 256, 512), None)
