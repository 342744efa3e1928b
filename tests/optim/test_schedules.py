"""Schedules against PaddleSeg's sequences, against their formulas, and stopped and resumed."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from toy_data import SHARED

from parity.schedules import cases, rates
from segwright.build import build_scheduler
from segwright.errors import ConfigError
from segwright.optim import LambdaDecay, PolynomialDecay, ReduceOnPlateau, Schedule
from segwright.registry import SCHEDULERS


def toy_optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)


def make(block: dict, iters: int = 50) -> Schedule:
    return build_scheduler(block, toy_optimizer(), iters)


def approx(values: list[float]) -> object:
    return pytest.approx(values, rel=1e-9, abs=1e-15)


EXAMPLES = {
    "ConstantLR": {"learning_rate": 0.1},
    "PolynomialDecay": {"learning_rate": 0.1, "decay_steps": 9, "cycle": True},
    "LambdaDecay": {"learning_rate": 0.1, "max_epoch": 3, "power": 2.0, "len_train_dataset": 4},
    "LinearLR": {"learning_rate": 0.1, "total_steps": 7},
    "LinearWarmup": {"learning_rate": 0.1, "warmup_steps": 5, "start_lr": 0.01, "end_lr": 0.1},
    "StepDecay": {"learning_rate": 0.1, "step_size": 3},
    "MultiStepDecay": {"learning_rate": 0.1, "milestones": [3, 8]},
    "PiecewiseDecay": {"boundaries": [3, 8], "values": [0.1, 0.01, 0.001]},
    "ExponentialDecay": {"learning_rate": 0.1, "gamma": 0.9},
    "NaturalExpDecay": {"learning_rate": 0.1, "gamma": 0.1},
    "InverseTimeDecay": {"learning_rate": 0.1, "gamma": 0.1},
    "NoamDecay": {"d_model": 16, "warmup_steps": 5},
    "CosineAnnealingDecay": {"learning_rate": 0.1, "T_max": 7},
    "CosineAnnealingWarmRestarts": {"learning_rate": 0.1, "T_0": 3, "T_mult": 3},
    "OneCycleLR": {"max_learning_rate": 0.1, "total_steps": 15},
    "CyclicLR": {"base_learning_rate": 0.01, "max_learning_rate": 0.1, "step_size_up": 4, "step_size_down": 3},
    "ReduceOnPlateau": {"learning_rate": 0.1, "patience": 2},
}


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
@pytest.mark.parametrize("stop", [0, 1, 6, 20])
def test_a_schedule_restored_at_any_step_goes_on_as_if_never_stopped(kind, stop):
    block = {"type": kind, **EXAMPLES[kind]}
    straight = rates(make(block), stop + 8)
    first, second = make(block), make(block)
    rates(first, stop)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert rates(second, 8) == straight[stop:]
    assert all(rate >= 0 for rate in straight)


def test_every_schedule_has_an_example_here():
    assert set(EXAMPLES) == set(SCHEDULERS)


@pytest.mark.parametrize("kind", sorted(set(EXAMPLES) - {"NoamDecay", "LinearWarmup", "OneCycleLR", "CyclicLR"}))
def test_a_warm_up_comes_first_and_shifts_the_schedule(kind):
    block = {"type": kind, **EXAMPLES[kind]}
    top = block.get("learning_rate", 0.1)
    warm = rates(make({**block, "warmup_iters": 4, "warmup_start_lr": 0.02}), 14)
    assert warm[:4] == approx([0.02 + (top - 0.02) * t / 4 for t in range(4)])
    assert warm[4:] == approx(rates(make(block), 10))


@given(st.integers(1, 60), st.integers(0, 20), st.integers(0, 70), st.booleans())
def test_polynomial_decay_follows_its_formula_from_any_step(decay, warmup, stop, cycle):
    def build():
        return PolynomialDecay(toy_optimizer(), 0.01, decay, 0.001, 0.9, cycle, warmup, 0.002)

    straight = rates(build(), stop + 5)
    if not cycle and warmup <= stop:
        left = 1 - min((stop - warmup) / decay, 1)
        assert straight[stop] == pytest.approx(0.009 * left**0.9 + 0.001)
    first, second = build(), build()
    rates(first, stop)
    second.load_state_dict(first.state_dict())
    assert rates(second, 5) == straight[stop:]


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 400))
def test_warm_restarts_begin_where_the_lengths_of_the_cycles_add_up(length, factor, step):
    schedule = make({"type": "CosineAnnealingWarmRestarts", "learning_rate": 1.0, "T_0": length, "T_mult": factor})
    start = 0
    while start + length <= step:
        start, length = start + length, length * factor
    assert schedule.value(step) == pytest.approx((1 + math.cos(math.pi * (step - start) / length)) / 2)


@given(st.integers(4, 80), st.floats(0.3, 0.45), st.sampled_from(["cos", "linear"]), st.booleans())
def test_one_cycle_stays_between_its_rates_and_ends_at_the_last(total, share, strategy, three):
    block = {"max_learning_rate": 0.1, "total_steps": total, "phase_pct": share, "end_learning_rate": 1e-5}
    schedule = make({"type": "OneCycleLR", **block, "anneal_strategy": strategy, "three_phase": three})
    seen = rates(schedule, total + 5)
    assert all(1e-5 * (1 - 1e-9) <= rate <= 0.1 * (1 + 1e-9) for rate in seen)
    assert seen[0] == pytest.approx(0.004)
    assert seen[total - 1 :] == approx([1e-5] * 6)  # PaddlePaddle raises an error in the middle of such a training


def test_lambda_decay_goes_down_by_epochs_and_stays_at_zero():
    schedule = LambdaDecay(toy_optimizer(), 0.005, max_epoch=2, power=2, len_train_dataset=3)
    assert rates(schedule, 9) == approx([0.005, *[0.00125] * 3, *[0.0] * 5])


def watch(schedule: Schedule, losses: list[float]) -> list[float]:
    """Rate of the iterations with these losses."""
    seen = []
    for loss in losses:
        seen += rates_of_one(schedule, loss)
    return seen


def rates_of_one(schedule: Schedule, loss: float) -> list[float]:
    rate = schedule.optimizer.param_groups[0]["lr"]
    schedule.optimizer.step()
    schedule.observe(loss)
    schedule.step()
    return [rate]


def test_the_rate_falls_when_the_loss_does_not():
    schedule = ReduceOnPlateau(toy_optimizer(), 1.0, factor=0.5, patience=1, cooldown=2, min_lr=0.3)
    #                          best     bad  bad->fall  resting     bad  bad->fall  ...
    losses = [3.0, 2.0, 2.0, 2.0, 9.0, 9.0, 2.0, 2.0, 1.0]
    assert watch(schedule, losses) == approx([1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.3])


def test_what_was_seen_of_the_losses_is_restored():
    losses = [3.0, 2.0, 2.0, 2.5, 2.0, 2.2, 1.0, 1.5, 1.5, 1.5, 1.2, 1.0]

    def build():
        return ReduceOnPlateau(toy_optimizer(), 1.0, patience=1, warmup_iters=1)

    straight = watch(build(), losses)
    for stop in range(len(losses)):
        first, second = build(), build()
        watch(first, losses[:stop])
        second.load_state_dict(first.state_dict())
        assert watch(second, losses[stop:]) == straight[stop:]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "PolynomialDecay", "learning_rate": 0.1, "decay_steps": 0}, "decay_steps must be at least 1, got 0"),
        ({"type": "PolynomialDecay", "learning_rate": 0.1, "power": 0}, "power must be above zero"),
        ({"type": "PolynomialDecay", "learning_rate": -0.1}, "no negative values, got learning_rate -0.1"),
        ({"type": "ConstantLR", "learning_rate": 0.1, "warmup_iters": -1}, "warmup_iters -1"),
        (
            {"type": "LambdaDecay", "learning_rate": 1, "max_epoch": 175, "power": 2, "len_train_dataset": 0},
            "max_epoch and len_train_dataset must be at least 1, got 175 and 0",
        ),
        ({"type": "StepDecay", "learning_rate": 0.1, "step_size": 5, "gamma": 1.0}, "gamma must lie between 0 and 1"),
        ({"type": "ExponentialDecay", "learning_rate": 0.1, "gamma": 1.1}, "gamma must lie between 0 and 1"),
        ({"type": "NaturalExpDecay", "learning_rate": 0.1, "gamma": -1}, "gamma must be above zero"),
        ({"type": "MultiStepDecay", "learning_rate": 0.1, "milestones": [9, 3]}, r"rising order, got \[9, 3\]"),
        ({"type": "PiecewiseDecay", "boundaries": [3], "values": [0.1]}, "separate 2 rates, but values has 1"),
        ({"type": "PiecewiseDecay", "boundaries": [3], "values": 0.1}, "valid list"),
        ({"type": "OneCycleLR", "max_learning_rate": 0.1, "total_steps": 3}, "leaves no room"),
        (
            {"type": "CyclicLR", "base_learning_rate": 0, "max_learning_rate": 1, "step_size_up": 2, "exp_gamma": 0.9},
            "exp_gamma 0.9 has no effect in mode 'triangular'",
        ),
        (
            {"type": "LinearWarmup", "learning_rate": 1, "warmup_steps": 3, "start_lr": 1, "end_lr": 1},
            "end_lr must be above start_lr",
        ),
        ({"type": "CosineDecay", "learning_rate": 0.1}, "did you mean 'CosineAnnealingDecay'"),
    ],
)
def test_what_makes_no_sense_is_an_error(block, complaint):
    with pytest.raises(ConfigError, match=complaint):
        make(block)


@pytest.mark.parametrize("case", cases(SHARED / "reference" / "schedules"), ids=str)
def test_schedules_equal_the_reference(case):
    outcome = case.outcome()
    assert outcome.agrees, outcome.differences


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_groups_keep_their_multiple_of_the_rate_on_every_step(kind):
    """The multiples that ``custom_cfg`` gives to parts of a model."""
    multiples = [1.0, 10.0, 0.1]
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr_mult": multiple} for multiple in multiples]
    schedule = build_scheduler({"type": kind, **EXAMPLES[kind]}, torch.optim.SGD(groups, lr=1.0), 50)
    for _ in range(12):
        first, *others = (group["lr"] for group in schedule.optimizer.param_groups)
        assert others == approx([first * 10.0, first * 0.1])
        schedule.observe(1.0)
        schedule.optimizer.step()
        schedule.step()
