"""BiSeNetV1: shapes, outputs, arguments."""

import inspect

import pytest
import torch

import segwright
from segwright.backbones import Backbone, ResNet18_vd, ResNet50_vd
from segwright.errors import ConfigError
from segwright.models import BiSeNetV1
from segwright.models.bisenet_v1 import FeatureFusion
from segwright.registry import MODELS


class TwoMaps(Backbone):
    """Says that it has two feature maps."""

    feat_channels = (8, 16)


@pytest.fixture
def model() -> BiSeNetV1:
    torch.manual_seed(0)
    return BiSeNetV1(3, ResNet18_vd(output_stride=16), conv_channel=16)


@pytest.mark.parametrize("output_stride", [8, 32])
@pytest.mark.parametrize("size", [(64, 96), (45, 51), (1, 1)])
def test_outputs_have_the_size_of_the_image(size, output_stride):
    model = BiSeNetV1(3, ResNet18_vd(output_stride=output_stride))
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        training, evaluation = model.train()(image), model.eval()(image)
    assert {tuple(logits.shape) for logits in training + evaluation} == {(2, 3, *size)}
    assert (len(training), len(evaluation)) == (len(model.output_names), 1)


def test_main_output_is_the_last_in_training(model):
    image = torch.randn(1, 3, 64, 64)
    model.eval()
    (main,) = model(image)
    model.training = True  # all outputs, from the statistics of evaluation
    outputs = dict(zip(model.output_names, model(image), strict=True))
    assert list(outputs) == ["context16", "context8", "main"]
    torch.testing.assert_close(outputs["main"], main)
    assert not torch.allclose(outputs["context8"], main)


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


def test_trains_on_a_single_image_of_other_bands():
    model = BiSeNetV1(2, ResNet18_vd(in_channels=5), conv_channel=16, in_channels=5).train()
    sum(logits.square().mean() for logits in model(torch.randn(1, 5, 64, 64))).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_channels_last_and_float64_give_the_same_logits(model):
    image = torch.randn(1, 3, 64, 96)
    (expected,) = model.eval()(image)
    (logits,) = model.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)
    (logits,) = model.double()(image.double())
    torch.testing.assert_close(logits.float(), expected, rtol=1e-3, atol=1e-4)


def test_has_paddlesegs_name_and_the_papers():
    assert MODELS["BiseNetV1"] is MODELS["BiSeNetV1"] is BiSeNetV1
    names = ["num_classes", "backbone", "conv_channel", "pretrained", "in_channels"]
    assert list(inspect.signature(BiSeNetV1).parameters) == names


def test_a_config_builds_it():
    block = {"type": "BiseNetV1", "num_classes": 2, "backbone": {"type": "ResNet18_vd", "output_stride": 8}}
    with torch.device("meta"):
        model = segwright.build_model(block)
    assert (model.backbone.feat_channels, model.pretrained) == ((64, 128, 256, 512), None)


@pytest.mark.slow
def test_exports_with_free_height_and_width_to_onnx(tmp_path):
    """A backbone that shrinks to 1/32, where shortcuts average over odd edges."""
    runtime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = BiSeNetV1(3, ResNet18_vd(output_stride=32)).eval()
    free = torch.export.Dim.DYNAMIC
    file = tmp_path / "model.onnx"
    shapes = ({2: free, 3: free},)
    torch.onnx.export(model, (torch.randn(1, 3, 96, 128),), file, dynamo=True, dynamic_shapes=shapes)
    session = runtime.InferenceSession(file)
    for size in [(96, 128), (97, 131), (193, 65)]:
        image = torch.randn(1, 3, *size)
        with torch.no_grad():
            (expected,) = model(image)
        (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-3, atol=1e-4)
