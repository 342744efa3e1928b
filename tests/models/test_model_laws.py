"""Laws that hold for every registered model; one that is added needs a row in ``SETUPS``, and a test says so."""

from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.build import build_model
from segwright.config.signature import accepts
from segwright.errors import ConfigError
from segwright.layers import paddle_defaults
from segwright.registry import MODELS

CLASSES = 5

SETUPS: dict[str, dict[str, Any]] = {
    "ANN": {"key_value_channels": 4, "inter_channels": 8},
    "BiSeNetV1": {"conv_channel": 8},
    "BiSeNetV2": {},
    "DeepLabV3": {"backbone_indices": [3], "aspp_ratios": [1, 2], "aspp_out_channels": 8},
    "DeepLabV3P": {"backbone_indices": [0, 3], "aspp_ratios": [1, 2], "aspp_out_channels": 8},
    "FCN": {"channels": 8},
    "LRASPP": {"lraspp_head_inter_chs": [4, 4], "lraspp_head_out_ch": 8},
    "MscaleOCRNet": {"backbone_indices": [3]},
    "OCRNet": {"backbone_indices": [3], "ocr_mid_channels": 8, "ocr_key_channels": 4},
    "PSPNet": {"pp_out_channels": 8},
    "UNet": {},
    "UNet deconv": {"use_deconv": True},
}
"""The arguments that make it small, by name of the model and, after a space, of a variant; a ``Pyramid`` is added."""

SMALLEST_SIDE = {"MscaleOCRNet": 2, "UNet": 16, "UNet deconv": 16}
"""Of a picture, in pixels, where it is not 1."""

AS_IN_TRAINING = {"MscaleOCRNet": {"mscale": None}}
"""More arguments, with which evaluation does what training does."""

every_model = pytest.mark.parametrize("name", SETUPS)


class Pyramid(Backbone):
    """Feature maps at 1/4, 1/8, 1/16 and 1/32 that cost next to nothing."""

    feat_channels = (4, 6, 8, 10)

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        widths = pairwise((in_channels, *self.feat_channels))
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride, padding=1)
            for (before, after), stride in zip(widths, (4, 2, 2, 2), strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [image]
        for conv in self.convs:
            maps.append(F.relu(conv(maps[-1])))
        return maps[1:]


def build(name: str, in_channels: int = 3, **more: Any) -> nn.Module:
    torch.manual_seed(0)
    block = {"type": name.split()[0], "num_classes": CLASSES, **SETUPS[name], **more}
    if accepts(MODELS[block["type"]], "backbone"):
        block["backbone"] = Pyramid(in_channels)
    if accepts(MODELS[block["type"]], "in_channels"):
        block["in_channels"] = in_channels
    return build_model(block)


def lively(name: str, **more: Any) -> nn.Module:
    """With logits far above rounding, however small the weights that the model starts from."""
    return build(name, **more).apply(paddle_defaults)


def test_every_model_is_held_to_the_laws():
    ours = {entry for entry in MODELS.values() if entry.__module__.startswith("segwright.")}
    assert ours == {MODELS[name.split()[0]] for name in SETUPS}, "give each model a row in SETUPS"


@every_model
@pytest.mark.parametrize("size", [(64, 96), (45, 51), (1, 1)], ids=str)
def test_outputs_have_the_size_of_the_image(name, size):
    model = build(name)
    size = tuple(max(side, SMALLEST_SIDE.get(name, 1)) for side in size)
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        training, evaluation = model.train()(image), model.eval()(image)
    assert {tuple(logits.shape) for logits in training + evaluation} == {(2, CLASSES, *size)}
    assert (len(training), len(evaluation)) == (len(model.output_names), 1)


@every_model
def test_the_main_output_of_training_is_that_of_evaluation(name):
    model, image = lively(name, **AS_IN_TRAINING.get(name, {})).eval(), torch.randn(1, 3, 48, 80)
    with torch.inference_mode():
        (evaluation,) = model(image)
        model.training = True  # all outputs, from the statistics of evaluation
        outputs = dict(zip(model.output_names, model(image), strict=True))
    torch.testing.assert_close(outputs.pop("main"), evaluation)
    assert not any(torch.allclose(logits, evaluation) for logits in outputs.values())


@every_model
def test_a_single_image_of_other_bands_trains_every_parameter(name):
    model = build(name, in_channels=5).train()
    sum(logits.square().mean() for logits in model(torch.randn(1, 5, 64, 64))).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@every_model
def test_channels_last_and_float64_give_the_same_logits(name):
    model, image = lively(name).eval(), torch.randn(1, 3, 48, 80)
    with torch.inference_mode():
        (single,) = model(image)
        (double,) = model.double()(image.double())
        last = {"memory_format": torch.channels_last}
        (channels_last,) = model.to(**last)(image.double().contiguous(**last))
    torch.testing.assert_close(channels_last, double)
    torch.testing.assert_close(single, double.float(), rtol=1e-3, atol=1e-4)


@every_model
def test_weights_are_left_to_whoever_loads_them(name):
    """Building loads none, and draws none for a backbone, which has its own."""
    model = build(name, pretrained="/nowhere/model.pdparams")
    assert model.pretrained == "/nowhere/model.pdparams"
    if hasattr(model, "backbone"):
        torch.manual_seed(0)
        untouched = Pyramid(3).state_dict()
        assert all(torch.equal(tensor, untouched[key]) for key, tensor in model.backbone.state_dict().items())


@pytest.mark.parametrize("name", [name for name in SETUPS if accepts(MODELS[name.split()[0]], "in_channels")])
def test_an_image_without_bands_is_refused(name):
    with torch.device("meta"), pytest.raises(ConfigError, match="in_channels is 0"):
        build(name, in_channels=0)


@pytest.mark.slow
@every_model
def test_the_graph_takes_any_height_and_width(name):
    model = lively(name).eval()
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with torch.inference_mode():
        graph = torch.export.export(model, (torch.randn(1, 3, 96, 128),), dynamic_shapes=(free,)).module()
        for size in [(97, 131), (140, 66)]:
            image = torch.randn(1, 3, *size)
            torch.testing.assert_close(graph(image)[0], model(image)[0], rtol=1e-3, atol=1e-4)
