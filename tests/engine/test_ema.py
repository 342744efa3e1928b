"""The average of the weights: its formula, the way into the model and back, and going on from a checkpoint."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from segwright.engine.ema import EMA
from segwright.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("one_thread")


def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def step(net: nn.Module) -> None:
    """What a step of training does to weights and statistics."""
    with torch.no_grad():
        for value in net.state_dict().values():
            value.add_(torch.randn(value.shape) if value.is_floating_point() else 1)


def state_of(net: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(net.state_dict())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.floats(0.5, 0.99))
def test_the_average_is_the_sum_that_the_formula_gives(steps, decay):
    net = model()
    ema = EMA(net, decay)
    wanted = {name: value.double() for name, value in net.state_dict().items() if value.is_floating_point()}
    for number in range(1, steps + 1):
        step(net)
        ema.update()
        share = min(decay, 1 - 1 / (number + 1))
        for name in wanted:
            wanted[name] = share * wanted[name] + (1 - share) * net.state_dict()[name].double()
    assert ema.average.keys() == wanted.keys()
    assert "1.running_var" in wanted
    for name, value in ema.average.items():
        torch.testing.assert_close(value.double(), wanted[name], rtol=1e-5, atol=1e-5)


def test_at_first_it_is_the_plain_mean_of_all_weights():
    net = model()
    ema, seen = EMA(net), [net[0].weight.detach().clone()]
    for _ in range(5):
        step(net)
        ema.update()
        seen.append(net[0].weight.detach().clone())
    torch.testing.assert_close(ema.average["0.weight"], torch.stack(seen).mean(dim=0))


def test_the_model_has_the_average_inside_the_block_and_its_own_weights_behind_it():
    net = model().to(memory_format=torch.channels_last)
    ema = EMA(net)
    step(net)
    ema.update()
    own, places = state_of(net), [value.data_ptr() for value in net.state_dict().values()]
    with ema.swapped_in():
        inside = state_of(net)
    for name, value in ema.average.items():
        assert torch.equal(inside[name], value)
        assert not torch.equal(inside[name], own[name])
    assert all(torch.equal(value, own[name]) for name, value in net.state_dict().items())
    assert [value.data_ptr() for value in net.state_dict().values()] == places


def test_an_error_inside_the_block_leaves_the_models_own_weights():
    net = model()
    ema = EMA(net)
    step(net)
    own = state_of(net)
    with pytest.raises(KeyboardInterrupt), ema.swapped_in():
        raise KeyboardInterrupt
    assert all(torch.equal(value, own[name]) for name, value in net.state_dict().items())


def test_r46_an_average_restored_goes_on_bit_for_bit(tmp_path):
    torch.manual_seed(3)
    net = model()
    ema = EMA(net)

    def go_on(net, ema):
        torch.manual_seed(4)
        for _ in range(3):
            step(net)
            ema.update()
        return ema.average

    step(net)
    ema.update()
    torch.save({"model": net.state_dict(), "ema": ema.state_dict()}, tmp_path / "training.pt")
    straight = go_on(net, ema)
    saved = torch.load(tmp_path / "training.pt", weights_only=True)
    other = model()
    other.load_state_dict(saved["model"])
    resumed = EMA(other)
    resumed.load_state_dict(saved["ema"])
    again = go_on(other, resumed)
    assert all(torch.equal(straight[name], again[name]) for name in straight)


def test_weights_in_half_precision_are_averaged_in_float32():
    net = nn.Linear(1, 1, bias=False).bfloat16()
    nn.init.zeros_(net.weight)
    ema = EMA(net)
    ema.step = 10_000
    nn.init.ones_(net.weight)
    for _ in range(10):
        ema.update()
    assert ema.average["weight"].item() == pytest.approx(1 - 0.999**10, rel=1e-4)


def test_an_average_of_another_model_is_refused():
    with pytest.raises(CheckpointError, match=r"another model; the first that differ: 0\.bias, 0\.weight"):
        EMA(model()).load_state_dict(EMA(nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(4))).state_dict())
