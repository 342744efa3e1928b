"""Schedules and optimisers against PaddleSeg's sequences, and on their own."""

import copy
import json
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from segwright.errors import ConfigError
from segwright.optim import ConstantLR, LambdaDecay, PolynomialDecay, adamw, sgd
from segwright.optim.optimizers import parameter_groups
from segwright.registry import OPTIMIZERS, SCHEDULERS


def toy_optimizer(lr: float = 1.0) -> torch.optim.Optimizer:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)


def rates(schedule, count: int) -> list[float]:
    """Rate of each of ``count`` iterations."""
    seen = []
    for _ in range(count):
        seen.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return seen


def test_polynomial_decay_follows_its_formula():
    schedule = PolynomialDecay(toy_optimizer(), 0.01, decay_steps=4, end_lr=0.002, power=2)
    expected = [0.002 + 0.008 * (1 - t / 4) ** 2 for t in range(4)] + [0.002, 0.002]
    assert rates(schedule, 6) == pytest.approx(expected, rel=1e-12)


def test_warm_up_comes_first_and_does_not_shorten_the_decay():
    schedule = PolynomialDecay(
        toy_optimizer(), 0.1, decay_steps=2, end_lr=0, power=1, warmup_iters=2, warmup_start_lr=0
    )
    assert rates(schedule, 5) == pytest.approx([0, 0.05, 0.1, 0.05, 0])


def test_lambda_decay_goes_down_by_epochs_and_stays_at_zero():
    schedule = LambdaDecay(toy_optimizer(), 0.005, max_epoch=2, power=2, len_train_dataset=3)
    assert rates(schedule, 9) == pytest.approx([0.005, *[0.00125] * 3, *[0.0] * 5])
    with pytest.raises(ConfigError, match="max_epoch and len_train_dataset must be at least 1, got 175 and 0"):
        LambdaDecay(toy_optimizer(), 0.005, max_epoch=175, power=2, len_train_dataset=0)


@given(st.integers(1, 60), st.integers(0, 20), st.integers(0, 70), st.booleans())
def test_a_schedule_restored_at_any_step_goes_on_as_if_never_stopped(decay, warmup, stop, cycle):
    def make():
        return PolynomialDecay(toy_optimizer(), 0.01, decay, 0.001, 0.9, cycle, warmup, 0.002)

    straight = rates(make(), stop + 5)
    first, second = make(), make()
    rates(first, stop)
    second.load_state_dict(first.state_dict())
    assert rates(second, 5) == straight[stop:]


def test_schedules_equal_the_reference(shared):
    cases = json.loads((shared / "reference/schedules/schedules.json").read_text())["cases"]
    checked = 0
    for case in cases:
        block = dict(case["lr_scheduler"])
        kind = block.pop("type")
        if kind not in SCHEDULERS:
            continue
        block.setdefault("decay_steps", case["iters"] - block.get("warmup_iters", 0))
        schedule = SCHEDULERS[kind](toy_optimizer(), **block)
        assert rates(schedule, len(case["lr"])) == pytest.approx(case["lr"], rel=1e-9, abs=1e-15), case["name"]
        checked += 1
    assert checked >= 8


def test_a_warm_up_as_long_as_the_run_is_an_error():
    with pytest.raises(ConfigError, match="decay_steps must be at least 1, got 0"):
        PolynomialDecay(toy_optimizer(), 0.01, decay_steps=0)


class Toy(nn.Module):
    """The network of the reference's optimiser cases."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Conv2d(4, 3, 1)


def test_parameters_go_to_the_first_rule_that_matches():
    groups = parameter_groups(
        Toy(), 0.1, 0.5, [{"name": "backbone", "lr_mult": 0.1}, {"name": "weight", "weight_decay_mult": 0}]
    )
    assert [(len(g["params"]), g["lr"], g["weight_decay"]) for g in groups] == [
        (4, pytest.approx(0.01), 0.5),
        (2, 0.1, 0.0),
        (2, 0.1, 0.5),
    ]


def test_a_rule_that_matches_nothing_is_an_error():
    with pytest.raises(ConfigError, match="no trainable parameter has 'backbon3' in its name"):
        sgd(Toy(), 0.1, custom_cfg=[{"name": "backbon3"}])


def test_group_factors_follow_the_schedule():
    optimizer = adamw(Toy(), 0.1, custom_cfg=[{"name": "head", "lr_mult": 10.0}])
    ConstantLR(optimizer, 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [1.0, 0.1]


class Spared(nn.BatchNorm2d):
    exempt_from_decay = True


def spared_toy() -> Toy:
    model = Toy()
    model.norm = Spared(4)
    return model


@pytest.mark.parametrize("kind", ["SGD", "Momentum", "Adam"])
def test_exempt_layers_do_not_decay(kind):
    """The gradient is zero, so that decay alone moves weights."""
    model = spared_toy()
    optimizer = OPTIMIZERS[kind](model, 0.1, weight_decay=0.5)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    sum(parameter.sum() * 0 for parameter in model.parameters()).backward()
    optimizer.step()
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert "backbone.1.weight" in moved
    assert not any(name.startswith("norm.") for name in moved)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]


def test_exempt_layers_learn_at_the_same_rate_and_all_parameters_are_there():
    model = spared_toy()
    optimizer = sgd(model, 0.1, weight_decay=0.5)
    schedule = PolynomialDecay(optimizer, 0.1, 10)
    optimizer.step()
    schedule.step()
    first, second = optimizer.param_groups
    assert first["lr"] == second["lr"] < 0.1
    assert {*first["params"], *second["params"]} == set(model.parameters())
    assert len(first["params"]) + len(second["params"]) == len(list(model.parameters()))


def test_models_without_exempt_layers_have_one_group():
    """Checkpoints that were written before layers could be exempt hold one."""
    (group,) = sgd(Toy(), 0.1, weight_decay=0.5).param_groups
    assert len(group["params"]) == 8


def test_groups_of_the_configuration_and_adamw_decay_exempt_layers_too():
    """Measured: in PaddlePaddle 3.2.2 a group's coefficient replaces the layer's own, and AdamW asks no layer."""
    rules = [{"name": "head", "lr_mult": 10.0}]
    assert [group["weight_decay"] for group in sgd(spared_toy(), 0.1, 0, 0.5, custom_cfg=rules).param_groups] == [
        0.5
    ] * 2
    assert [group["weight_decay"] for group in adamw(spared_toy(), 0.1, 0.5).param_groups] == [0.5]
    assert len(sgd(spared_toy(), 0.1, 0, 0.5, custom_cfg=[]).param_groups) == 2


def test_state_of_exempt_layers_is_restored():
    first, second = spared_toy(), spared_toy()
    second.load_state_dict(first.state_dict())
    optimizers = [sgd(model, 0.1, 0.9, 0.5) for model in (first, second)]

    def step(model, optimizer):
        optimizer.zero_grad()
        sum(parameter.square().sum() for parameter in model.parameters()).backward()
        optimizer.step()

    step(first, optimizers[0])
    second.load_state_dict(first.state_dict())
    optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    for model, optimizer in zip((first, second), optimizers, strict=True):
        step(model, optimizer)
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_optimisers_equal_the_reference(shared):
    """Losses before each of 8 updates; the running statistics do not matter in training mode."""
    reference = json.loads((shared / "reference/optimizers/cases.json").read_text())
    data = np.load(shared / "reference/optimizers/data.npz")
    checked = 0
    for case in reference["cases"]:
        block = dict(case["optimizer"])
        factory = OPTIMIZERS[block.pop("type")]
        if "grad_clip_cfg" in block:
            continue
        model = Toy().train()
        for name, shape, _ in reference["state_dict"]:
            ours = name.replace("_mean", "running_mean").replace("_variance", "running_var")
            dict(model.state_dict())[ours].copy_(torch.from_numpy(fill(reference["seed"], name, shape)))
        optimizer = factory(model, case["base_lr"], **block)
        schedule = PolynomialDecay(optimizer, case["base_lr"], 10, end_lr=0, power=0.9)
        image, target = (torch.from_numpy(data[key]) for key in ("x", "target"))
        losses = []
        for _ in range(8):
            loss = ((model.head(model.norm(model.backbone(image))) - target) ** 2).mean()
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        assert losses == pytest.approx(case["losses"], rel=2e-5), case["name"]
        checked += 1
    assert checked >= 9


def fill(seed: int, name: str, shape: list[int]) -> np.ndarray:
    """Weights by the recipe of the reference, for the kinds that occur here."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if name.endswith("_variance") or (name.endswith("weight") and len(shape) == 1):
        values = rng.uniform(0.5, 1.5, shape)
    elif name.endswith("weight"):
        values = np.sqrt(2 / np.prod(shape[1:])) * rng.standard_normal(shape)
    else:
        values = 0.1 * rng.standard_normal(shape)
    return values.astype(np.float32)
