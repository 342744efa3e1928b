"""ANN: attention over windows, outputs, arguments."""

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


def test_aux_can_be_left_out_of_training_but_not_of_weights():
    """PaddleSeg's files hold it in any case."""
    model = ANN(3, ResNet18_vd(), key_value_channels=8, inter_channels=16)
    assert model.output_names == ("main", "aux")
    plain = ANN(3, ResNet18_vd(), key_value_channels=8, inter_channels=16, enable_auxiliary_loss=False).train()
    assert plain.output_names == ("main",)
    assert len(plain(torch.randn(1, 3, 32, 32))) == 1
    assert plain.state_dict().keys() == model.state_dict().keys()


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
