"""OCRNet: object context by hand, arguments, names."""

import inspect
import json
import math

import pytest
import torch
from torch import nn

import segwright
from segwright.backbones import ResNet18_vd
from segwright.errors import ConfigError
from segwright.layers.object_context import ObjectAttention, ObjectContextHead, gather_regions
from segwright.models import OCRNet
from segwright.weights.names import paddle_variables

SMALL = {"ocr_mid_channels": 32, "ocr_key_channels": 16}


def test_a_region_is_the_average_of_the_pixels_of_its_class():
    """Logits that leave no doubt: class 0 in the left column, class 1 in the right one."""
    pixels = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]]])
    logits = torch.tensor([[[[100.0, 0.0], [100.0, 0.0]], [[0.0, 100.0], [0.0, 100.0]]]])
    regions = gather_regions(pixels, logits)
    torch.testing.assert_close(regions, torch.tensor([[[[2.0], [3.0]], [[20.0], [30.0]]]]))


def test_every_pixel_attends_to_every_region():
    torch.manual_seed(0)
    attention = ObjectAttention(8, 4, bias=True).double().eval()
    pixels = torch.randn(2, 8, 3, 5, dtype=torch.double)
    regions = torch.randn(2, 8, 6, 1, dtype=torch.double)
    query, key, value = attention.query(pixels), attention.key(regions), attention.value(regions)
    context = torch.zeros(2, 4, 3, 5, dtype=torch.double)
    for n, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(5)).tolist():
        scores = torch.stack([query[n, :, row, column] @ key[n, :, k, 0] for k in range(6)]) / math.sqrt(4)
        context[n, :, row, column] = (scores.softmax(0) * value[n, :, :, 0]).sum(1)
    torch.testing.assert_close(attention(pixels, regions), attention.up(context))


@pytest.mark.parametrize(("indices", "channels"), [((2,), (256, 256)), ((2, 3), (256, 512)), ((-2, -1), (256, 512))])
def test_one_feature_map_may_serve_both_purposes(indices, channels):
    with torch.device("meta"):
        model = OCRNet(2, ResNet18_vd(), indices, **SMALL)
        assert (model.head.coarse[0].conv.in_channels, model.head.describe.conv.in_channels) == channels
        assert [tuple(logits.shape) for logits in model(torch.empty(2, 3, 33, 65))] == [(2, 2, 33, 65)] * 2


@pytest.mark.parametrize("indices", [[], [0, 0, 0], [0, 5], "x"])
def test_other_indices_are_explained(indices):
    block = {"type": "OCRNet", "num_classes": 2, "backbone": {"type": "HRNet_W18_Small_V1"}}
    with pytest.raises(ConfigError, match="backbone_indices"):
        segwright.build_model({**block, "backbone_indices": indices})


def test_the_head_starts_narrow():
    torch.manual_seed(0)
    head = ObjectContextHead(3, 64, 64, mid_channels=32, key_channels=16, dropout=0.1, bias=True)
    for module in head.modules():
        if isinstance(module, nn.Conv2d):
            assert not module.bias.any()
            if module.weight.numel() > 2000:
                torch.testing.assert_close(module.weight.std(), torch.tensor(0.001), rtol=0.1, atol=0)


def test_is_registered_with_the_arguments_of_configs():
    assert list(inspect.signature(OCRNet).parameters) == [
        *("num_classes", "backbone", "backbone_indices", "ocr_mid_channels", "ocr_key_channels", "align_corners"),
        "pretrained",
    ]
    assert OCRNet.output_names == ("main", "aux")


@pytest.mark.parametrize("case", ["ocrnet_hrnet_w18", "ocrnet_resnet50_vd_two_feats"])
def test_parameter_list_is_paddlesegs(shared, case):
    recorded = json.loads((shared / "reference" / "models" / f"{case}.json").read_text())
    with torch.device("meta"):
        model = segwright.build_model(recorded["model"])
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    ours = {variable.name: shapes[name] for name, variable in paddle_variables(model).items()}
    assert ours == {name: shape for name, shape, _ in recorded["state_dict"]}
