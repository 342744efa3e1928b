"""Optimisers against PaddleSeg's updates, and on their own."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from toy_data import SHARED

from parity.optimizers import Toy, cases
from segwright.build import build_optimizer
from segwright.errors import ConfigError
from segwright.optim import ConstantLR, PolynomialDecay, adamw, base_rate, sgd
from segwright.optim.clipping import clip_gradients
from segwright.optim.optimizers import parameter_groups
from segwright.registry import OPTIMIZERS


def test_parameters_go_to_the_first_rule_that_matches():
    groups = parameter_groups(
        Toy(), 0.1, 0.5, [{"name": "backbone", "lr_mult": 0.1}, {"name": "weight", "weight_decay_mult": 0}]
    )
    assert [(len(g["params"]), g["lr"], g["weight_decay"]) for g in groups] == [
        (4, pytest.approx(0.01), 0.5),
        (2, 0.1, 0.0),
        (2, 0.1, 0.5),
    ]


@pytest.mark.parametrize(
    "rules",
    [
        None,
        [{"name": "backbone", "lr_mult": 0.1}],
        [{"name": "backbone", "lr_mult": 0.1}, {"name": "", "lr_mult": 10}],
        [{"name": "backbone", "lr_mult": 0}, {"name": "", "lr_mult": 4}],
    ],
)
def test_the_rate_that_is_told_is_that_before_the_factors(rules):
    optimizer = build_optimizer({"type": "SGD", "custom_cfg": rules}, Toy(), lr=0.125)
    assert base_rate(optimizer) == pytest.approx(0.125)
    PolynomialDecay(optimizer, 0.5, decay_steps=10)
    assert base_rate(optimizer) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["SGD", "Momentum", "Adam"])
@pytest.mark.parametrize("rules", [None, [{"name": "head", "weight_decay_mult": 2.0}]], ids=["plain", "groups"])
def test_no_number_is_no_decay(kind, rules):
    """Measured in PaddleSeg 2.8: with ``weight_decay: null`` no weight moves unless a gradient moves it."""
    model = Toy()
    optimizer = build_optimizer({"type": kind, "weight_decay": None, "custom_cfg": rules}, model, lr=0.1)
    before = parameters_of(model)
    set_gradients(model, 0.0)
    optimizer.step()
    assert not moved(model, before).any()


def test_adamw_wants_a_number_as_paddle_does():
    with pytest.raises(ConfigError, match=r"optimizer\.weight_decay: got None.* number"):
        build_optimizer({"type": "AdamW", "weight_decay": None}, Toy(), lr=0.1)


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


def set_gradients(model: nn.Module, value: float) -> None:
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, value)


def moved(model: nn.Module, before: dict[str, torch.Tensor]) -> torch.Tensor:
    """How far each number of the model has gone."""
    return torch.cat([(before[name] - p).flatten() for name, p in model.named_parameters()])


def parameters_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


GLOBAL = {"name": "ClipGradByGlobalNorm", "clip_norm": 0.5}


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=6), st.floats(0.01, 20))
def test_clipping_keeps_its_promise(numbers, limit):
    def gradients():
        return [torch.tensor(numbers[:1], dtype=torch.float64), torch.tensor(numbers[1:], dtype=torch.float64)]

    together, alone, between = gradients(), gradients(), gradients()
    clip_gradients(together, {"name": "ClipGradByGlobalNorm", "clip_norm": limit})
    norm = torch.cat(gradients()).norm()
    torch.testing.assert_close(torch.cat(together), torch.cat(gradients()) * min(1, limit / max(norm, 1e-300)))
    clip_gradients(alone, {"name": "ClipGradByNorm", "clip_norm": limit})
    assert all(gradient.norm() <= limit * (1 + 1e-12) for gradient in alone)
    clip_gradients(between, {"name": "ClipGradByValue", "max": limit, "min": -1.0})
    torch.testing.assert_close(torch.cat(between), torch.cat(gradients()).clamp(-1, limit))


@pytest.mark.parametrize("kind", ["SGD", "Momentum"])
def test_the_optimiser_itself_clips_before_decay(kind):
    model = spared_toy()  # two groups, but one global norm
    optimizer = build_optimizer({"type": kind, "weight_decay": 0.1, "grad_clip_cfg": GLOBAL}, model, lr=1.0)
    before = parameters_of(model)
    set_gradients(model, 3.0)
    optimizer.step()
    decay = torch.cat([(0.0 if "norm" in name else 0.1) * p.flatten() for name, p in before.items()])
    gradient = moved(model, before) - decay
    assert gradient.norm().item() == pytest.approx(0.5, rel=1e-4)
    assert gradient.std().item() == pytest.approx(0, abs=1e-6)


def test_groups_of_the_configuration_have_norms_of_their_own():
    """Measured in PaddlePaddle 3.2.2: with parameter groups, a global norm is that of a group."""
    model = Toy()
    optimizer = sgd(model, 1.0, custom_cfg=[{"name": "head"}], grad_clip_cfg=GLOBAL)
    before = parameters_of(model)
    set_gradients(model, 3.0)
    optimizer.step()
    steps = {name: before[name] - p for name, p in model.named_parameters()}
    for part in (True, False):
        group = [step.flatten() for name, step in steps.items() if name.startswith("head") is part]
        assert torch.cat(group).norm().item() == pytest.approx(0.5, rel=1e-4)


def test_gradients_are_clipped_after_their_scaling_is_taken_back():
    plain, scaled = Toy(), Toy()
    scaled.load_state_dict(plain.state_dict())
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for model, factor in ((plain, 1.0), (scaled, 1024.0)):
        optimizer = sgd(model, 1.0, grad_clip_cfg=GLOBAL)
        scaler.scale(torch.zeros(()))  # makes its scale
        set_gradients(model, 3.0 * factor)
        scaler.step(optimizer) if factor > 1 else optimizer.step()
    for ours, theirs in zip(plain.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"grad_clip_cfg": {"name": "ClipGradByNorms", "clip_norm": 1.0}}, "must be one of 'ClipGradByGl"),
        ({"grad_clip_cfg": {"name": "ClipGradByNorm"}}, "clip_norm is missing"),
        ({"grad_clip_cfg": {"name": "ClipGradByNorm", "clip_norm": 0}}, "greater than 0"),
        ({"grad_clip_cfg": {"name": "ClipGradByValue", "max": 1.0, "clip_norm": 1.0}}, "unknown entry clip_norm"),
        ({"custom_cfg": [{"name": "head", "lr_multi": 10.0}]}, "unknown entry lr_multi"),
        ({"custom_cfg": [{"lr_mult": 10.0}]}, "name is missing"),
        ({"lazy_mode": True}, "False"),
    ],
)
def test_rules_are_checked(options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        build_optimizer({"type": "AdamW", **options}, Toy(), lr=0.1)


@pytest.mark.parametrize("case", cases(SHARED / "reference" / "optimizers"), ids=str)
def test_losses_and_weights_of_eight_updates_equal_the_reference(case):
    outcome = case.outcome()
    assert outcome.agrees, outcome.differences
