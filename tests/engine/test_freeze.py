"""Frozen parts: no gradient, no statistics, no place in the optimiser."""

import copy

import pytest
import torch
from torch import nn

import segwright
from segwright.engine.freeze import freeze
from segwright.errors import ConfigError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def toy():
    torch.manual_seed(0)
    return segwright.build_model({"type": "ToyNet", "num_classes": 2})


def train_a_step(model: nn.Module) -> None:
    optimizer = segwright.build_optimizer({"type": "SGD", "weight_decay": 0.1}, model, lr=0.1)
    model.eval()
    model.train()
    sum(logits.square().mean() for logits in model(torch.randn(2, 3, 8, 8))).backward()
    optimizer.step()


def moved(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_frozen_weights_and_statistics_stay_and_the_rest_learns(toy, caplog):
    with caplog.at_level("INFO", "segwright"):
        assert freeze(toy, ["stem"]) == ("stem.0.weight", "stem.0.bias", "stem.1.weight", "stem.1.bias")
    before = copy.deepcopy(toy.state_dict())
    train_a_step(toy)
    assert moved(toy, before) == {"head.weight", "head.bias", "aux.weight", "aux.bias"}
    assert "Frozen: stem (4 of 8 parameters, 87.0 % of their numbers; 1 batch norms)" in caplog.text


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        ("stem.0", {"stem.0.weight", "stem.0.bias"}),
        ("bias", {"stem.0.bias", "stem.1.bias", "head.bias", "aux.bias"}),
        ("head.weight", {"head.weight"}),
    ],
)
def test_a_name_is_a_whole_part_of_a_path(toy, name, frozen):
    assert set(freeze(toy, [name])) == frozen
    assert {path for path, parameter in toy.named_parameters() if not parameter.requires_grad} == frozen
    assert toy.stem[1].training


def test_frozen_norms_stay_in_evaluation_mode_also_in_copies_and_replaced_norms(toy):
    freeze(toy, ["stem.1"])
    freeze(toy, ["head"])
    copied = copy.deepcopy(toy)
    toy.stem[1] = nn.SyncBatchNorm(8)
    for model in (toy, copied, nn.ModuleList([copied])):
        model.eval().train()
    for model in (toy, copied):
        assert model.training
        assert model.stem[3].training
        assert not model.stem[1].training


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("sterm", "stem$"), ("head.wieght", "head.weight"), ("backbone", "stem, head, aux$"), ("ste", "stem$")],
)
def test_a_name_that_fits_nothing_is_an_error_that_tells_the_nearest(toy, name, nearest):
    with pytest.raises(ConfigError, match=f"no part of ToyNet is called '{name}'; nearest: {nearest}"):
        freeze(toy, ["stem", name])
    assert all(parameter.requires_grad for parameter in toy.parameters())


def test_nothing_left_to_train_is_an_error(toy):
    freeze(toy, ["stem", "head", "aux"])
    with pytest.raises(ConfigError, match="no trainable parameters"):
        segwright.build_optimizer({"type": "SGD"}, toy, lr=0.1)
