"""ANN: attention over windows, shapes, outputs, arguments."""

import copy
import inspect

import pytest
import torch

import segwright
from segwright.backbones import ResNet18_vd
from segwright.errors import ConfigError
from segwright.models import ANN
from segwright.models.ann import FusionBlock, PyramidBlock, WindowAttention
from segwright.registry import MODELS
from segwright.weights.names import paddle_variables


@pytest.fixture
def model() -> ANN:
    torch.manual_seed(0)
    return ANN(3, ResNet18_vd(output_stride=16), key_value_channels=8, inter_channels=16)


@pytest.mark.parametrize("size", [(64, 96), (45, 51), (1, 1)])
def test_outputs_have_the_size_of_the_image(model, size):
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        training, evaluation = model.train()(image), model.eval()(image)
    assert {tuple(logits.shape) for logits in training + evaluation} == {(2, 3, *size)}
    assert (len(training), len(evaluation)) == (2, 1)
    assert model.output_names == ("main", "aux")


def test_aux_can_be_left_out_of_training_but_not_of_weights(model):
    """PaddleSeg's files hold it in any case."""
    plain = ANN(3, ResNet18_vd(), key_value_channels=8, inter_channels=16, enable_auxiliary_loss=False).train()
    assert plain.output_names == ("main",)
    assert len(plain(torch.randn(1, 3, 32, 32))) == 1
    assert plain.state_dict().keys() == model.state_dict().keys()


def test_trains_on_a_single_image(model):
    outputs = model.train()(torch.randn(1, 3, 64, 64))
    sum(logits.square().mean() for logits in outputs).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_channels_last_gives_the_same_logits(model):
    """In float64: with random weights attention is so sharp that it magnifies rounding."""
    model, image = model.double().eval(), torch.randn(1, 3, 64, 96, dtype=torch.float64)
    (expected,) = model(image)
    (logits,) = model.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, expected)


def test_every_pixel_asks_the_windows_of_the_pyramid():
    """Against the definition, one query and one window at a time."""
    attention = WindowAttention(3, 4, 5, psp_size=(1, 2)).double()
    query, key, x = (torch.randn(1, channels, 2, 4, dtype=torch.float64) for channels in (4, 4, 3))

    def windows(features):
        left, right = features[0, :, :, :2], features[0, :, :, 2:]
        quarters = [half[:, row] for row in range(2) for half in (left, right)]
        return [features[0].mean(dim=(1, 2)), *(quarter.mean(dim=1) for quarter in quarters)]

    keys, values = windows(key), windows(attention.value(x))
    expected = torch.empty(1, 4, 2, 4, dtype=torch.float64)
    for row in range(2):
        for column in range(4):
            asked = query[0, :, row, column]
            shares = torch.stack([asked @ key / 2 for key in keys]).softmax(dim=0)  # 2 is the root of 4 channels
            expected[0, :, row, column] = sum(share * value for share, value in zip(shares, values, strict=True))
    torch.testing.assert_close(attention(query, key, x), attention.project(expected))


def test_features_of_two_resolutions_are_fused():
    fusion = FusionBlock(3, 6, 4, psp_size=(1, 3))
    assert fusion(torch.randn(2, 3, 9, 11), torch.randn(2, 6, 5, 4)).shape == (2, 6, 5, 4)


def test_query_and_key_of_the_second_block_are_one():
    block = PyramidBlock(6, 4, psp_size=(1, 2)).train()
    names = {variable.name for variable in paddle_variables(block).values()}
    assert {"stages.0.f_key._conv.weight", "stages.0.f_query._conv.weight"} <= names
    assert block.query is block.key
    assert len({id(parameter) for parameter in block.parameters()}) == len(list(block.parameters()))


def test_statistics_of_the_shared_key_move_as_if_it_ran_twice():
    block = PyramidBlock(6, 4, psp_size=(1, 2)).train()
    twice = copy.deepcopy(block.key)
    twice.norm.momentum = 0.1
    x = torch.randn(2, 6, 5, 5)
    block(x)
    twice(x)
    twice(x)
    torch.testing.assert_close(block.key.norm.running_mean, twice.norm.running_mean)
    torch.testing.assert_close(block.key.norm.running_var, twice.norm.running_var)


def test_is_registered_with_the_arguments_of_configs():
    assert MODELS["ANN"] is ANN
    names = (
        "num_classes backbone backbone_indices key_value_channels inter_channels psp_size enable_auxiliary_loss "
        "align_corners pretrained"
    )
    assert list(inspect.signature(ANN).parameters) == names.split()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"backbone_indices": [2, 4]}, "4 feature maps, there is none at 4"),
        ({"backbone_indices": [3]}, "entry 1 is missing"),
        ({"psp_size": []}, "psp_size.*such as"),
        ({"psp_size": [1, 0]}, "psp_size.*such as"),
    ],
)
def test_impossible_arguments_are_explained(arguments, complaint):
    block = {"type": "ANN", "num_classes": 2, "backbone": {"type": "ResNet18_vd"}, **arguments}
    with torch.device("meta"), pytest.raises(ConfigError, match=complaint):
        segwright.build_model(block)


def test_leaves_the_weights_of_its_backbone_alone():
    backbone = ResNet18_vd()
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    model = ANN(2, backbone, key_value_channels=8, inter_channels=16)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.backbone.state_dict().items())


@pytest.mark.slow
def test_exports_with_free_height_and_width(model):
    free = torch.export.Dim.DYNAMIC
    model.double().eval()
    image = torch.randn(1, 3, 96, 128, dtype=torch.float64)
    graph = torch.export.export(model, (image,), dynamic_shapes=({2: free, 3: free},)).module()
    for size in [(96, 128), (97, 131), (40, 66)]:
        image = torch.randn(1, 3, *size, dtype=torch.float64)
        torch.testing.assert_close(graph(image), model(image))
