"""Laws that hold for every family of backbones; one that is added needs a row in ``SETUPS``, and a test says so."""

from typing import Any

import pytest
import torch

from segwright.backbones import Backbone
from segwright.errors import ConfigError
from segwright.registry import BACKBONES

SETUPS: dict[str, dict[str, Any]] = {
    "HRNet_W18_Small_V1": {},
    "HRNet_W18_Small_V1 attentive": {"use_psa": True, "has_se": True, "padding_same": False},
    "MobileNetV2_x0_25": {},
    "MobileNetV3_small_x0_35": {},
    "MobileNetV3_small_x1_0_os8": {},
    "ResNet18_vd": {},
    "Xception41_deeplab": {},
}
"""Arguments by name of the smallest of a family and, after a space, of a variant."""

every_family = pytest.mark.parametrize("name", SETUPS)


def build(name: str, **more: Any) -> Backbone:
    torch.manual_seed(0)
    return BACKBONES[name.split()[0]](**SETUPS[name], **more)


def test_every_family_is_held_to_the_laws():
    families = {entry.__module__ for entry in BACKBONES.values() if entry.__module__.startswith("segwright.")}
    assert families == {BACKBONES[name.split()[0]].__module__ for name in SETUPS}, "give each family a row in SETUPS"


@every_family
def test_a_single_image_of_other_bands_trains_every_parameter(name):
    backbone = build(name, in_channels=4).train()
    maps = backbone(torch.randn(1, 4, 33, 50))
    assert tuple(features.shape[1] for features in maps) == backbone.feat_channels
    sum(features.square().mean() for features in maps).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in backbone.parameters())


@every_family
def test_channels_last_and_float64_give_the_same_features(name):
    backbone, image = build(name).eval(), torch.randn(1, 3, 45, 61)
    with torch.inference_mode():
        single = backbone(image)
        double = backbone.double()(image.double())
        last = {"memory_format": torch.channels_last}
        channels_last = backbone.to(**last)(image.double().contiguous(**last))
    torch.testing.assert_close(channels_last, double)
    for features, exact in zip(single, double, strict=True):
        torch.testing.assert_close(features.double(), exact, rtol=0, atol=1e-5 * exact.abs().max().item())


@every_family
def test_weights_are_left_to_whoever_loads_them(name):
    with torch.device("meta"):
        assert build(name, pretrained="/nowhere/model.pdparams").pretrained == "/nowhere/model.pdparams"


@every_family
def test_an_image_without_bands_is_refused(name):
    with torch.device("meta"), pytest.raises(ConfigError, match="in_channels is 0"):
        build(name, in_channels=0)
