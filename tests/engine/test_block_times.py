"""Times of a model's blocks: a module with what it computes itself and the layers directly in it."""

import time

import pytest
import torch
from torch import nn

from segwright.engine.block_times import block_of, block_times


class Sleeper(nn.Module):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x):
        time.sleep(self.seconds)
        return x


class Outer(nn.Module):
    """Sleeps 20 ms itself; its layer 10 ms; a block in it 30 ms, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Sleeper(0.01)
        self.inner = nn.Sequential(Sleeper(0.01), Sleeper(0.02))

    def forward(self, x):
        time.sleep(0.02)
        return self.inner(self.inner(self.layer(x)))


def test_a_block_has_its_own_time_and_that_of_its_layers():
    model = Outer()
    outer, inner = block_times(model, torch.zeros(1))
    assert (outer.name, outer.kind, inner.name, inner.kind) == ("", "Outer", "inner", "Sequential")
    assert outer.milliseconds == pytest.approx(30, rel=0.5)
    assert inner.milliseconds == pytest.approx(60, rel=0.5)
    assert inner.milliseconds > outer.milliseconds
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_block_of_a_module():
    blocks = {"", "a", "a.b"}
    assert [block_of(name, blocks) for name in ("a.b.conv", "a.b", "a.norm", "head", "")] == ["a.b", "a.b", "a", "", ""]
