"""Hierarchical multi-scale attention: fusion by hand, scales, names of configs."""

import inspect
import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import segwright
from segwright.backbones import Backbone, HRNetV2PSA
from segwright.errors import ConfigError
from segwright.models import MscaleOCRNet
from segwright.models.mscale_ocrnet import fuse
from segwright.registry import MODELS
from segwright.weights.names import paddle_variables


class Pixels(Backbone):
    """A backbone that costs nothing: the picture at 1/4."""

    feat_channels = (3,)

    def forward(self, image):
        return [F.avg_pool2d(image, 4, ceil_mode=True)]


def small(**arguments) -> MscaleOCRNet:
    """A model on ``Pixels`` whose weights are large enough for the scales to differ."""
    torch.manual_seed(0)
    model = MscaleOCRNet(2, Pixels(), **arguments)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return model


def seen_sizes(model, image):
    """Sizes of the pictures that reach the backbone, in order."""
    sizes = []
    with model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[2:]))):
        model(image)
    return sizes


def test_training_sees_half_and_full_scale():
    assert seen_sizes(small().train(), torch.randn(1, 3, 33, 48)) == [(16, 24), (33, 48)]


@pytest.mark.parametrize(
    ("mscale", "sizes"),
    [
        ((0.5, 1.0, 2.0), [(64, 96), (32, 48), (16, 24)]),
        ((1.0,), [(32, 48)]),
        ((2.0, 0.5), [(64, 96), (16, 24)]),
        ((0.75,), [(24, 36)]),
        ((), [(32, 48), (16, 24)]),
        (None, [(32, 48), (16, 24)]),
    ],
)
def test_evaluation_sees_the_scales_that_it_is_told(mscale, sizes):
    model, image = small(mscale=mscale).eval(), torch.randn(1, 3, 32, 48)
    assert seen_sizes(model, image) == sizes
    assert model(image)[0].shape == (1, 2, 32, 48)


def test_a_gate_decides_between_a_scale_and_the_larger_ones():
    larger, logits = torch.full((1, 1, 4, 4), 8.0), torch.full((1, 1, 2, 2), 4.0)
    gate = torch.full((1, 1, 2, 2), 0.25)
    below = fuse(larger, logits, gate, 0.5)
    above = fuse(larger, logits, gate, 1.5)
    assert torch.equal(below, torch.full((1, 1, 4, 4), 0.25 * 4 + 0.75 * 8))
    assert torch.equal(above, torch.full((1, 1, 2, 2), 0.25 * 4 + 0.75 * 8))


def test_below_full_scale_logits_are_gated_before_they_grow():
    larger = torch.zeros(1, 1, 1, 4)
    logits, gate = torch.tensor([[[[0.0, 8.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    assert not fuse(larger, logits, gate, 0.5).any()


@pytest.mark.parametrize(("trust", "seen"), [(1.0, 2), (0.0, 3)])
def test_training_fuses_its_two_scales(trust, seen):
    """A gate that is open shows half scale (output 2), one that is closed full scale (output 3)."""
    model = small().eval()
    model.gate = nn.Sequential(nn.Conv2d(512, 1, 1), nn.Sigmoid())
    nn.init.zeros_(model.gate[0].weight)
    nn.init.constant_(model.gate[0].bias, 50.0 if trust else -50.0)
    model.training = True
    with torch.inference_mode():
        outputs = model(torch.randn(1, 3, 32, 48))
    torch.testing.assert_close(outputs[1], outputs[seen])
    assert not torch.allclose(outputs[2], outputs[3])


def test_the_gate_s_statistics_see_both_scales():
    model = small().train()
    model(torch.randn(2, 3, 32, 48))
    assert {norm.num_batches_tracked.item() for norm in model.modules() if isinstance(norm, nn.BatchNorm2d)} == {2}


def test_a_config_without_a_backbone_is_hrnet_w48_with_attention():
    backbone = {"type": "HRNet_W48", "use_psa": True, "padding_same": False}
    with torch.device("meta"):
        model = segwright.build_model({"type": "MscaleOCRNet", "num_classes": 19})
        written_out = segwright.build_model({"type": "MscaleOCRNet", "num_classes": 19, "backbone": backbone})
    assert isinstance(model.backbone, HRNetV2PSA)
    assert model.state_dict().keys() == written_out.state_dict().keys()


def test_is_registered_with_the_names_and_arguments_of_configs():
    assert MODELS["MscaleOCRNet"] is MODELS["MscaleOCR"] is MODELS["PSANet"] is MscaleOCRNet
    parameters = list(inspect.signature(MscaleOCRNet).parameters)
    assert parameters == ["num_classes", "backbone", "backbone_indices", "mscale", "pretrained"]
    assert MscaleOCRNet.output_names == ("aux", "main", "half_scale", "full_scale")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"mscale": [0.5, 0]}, "positive"),
        ({"mscale": [-1.0]}, "positive"),
        ({"backbone_indices": [4]}, "no.* at 4"),
        ({"backbone_indices": [0, 0, 0]}, "backbone_indices"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "MscaleOCRNet", "num_classes": 2, "backbone": {"type": "HRNet_W18_Small_V1"}}
    with pytest.raises(ConfigError, match=complaint):
        segwright.build_model({**block, **arguments})


@pytest.mark.parametrize("case", ["mscale_ocrnet_hrnet_w48_psa", "mscale_ocrnet_hrnet_w48_nopsa"])
def test_parameter_list_is_paddlesegs(shared, case):
    recorded = json.loads((shared / "reference" / "models" / f"{case}.json").read_text())
    with torch.device("meta"):
        model = segwright.build_model(recorded["model"])
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    ours = {variable.name: shapes[name] for name, variable in paddle_variables(model).items()}
    assert ours == {name: shape for name, shape, _ in recorded["state_dict"]}
