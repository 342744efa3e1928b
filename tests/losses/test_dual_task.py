"""Edges of the prediction against those of the label."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError
from segwright.losses import DualTaskLoss
from segwright.losses.dual_task import edges, mirrored, smooth

NO_NOISE = 1 / math.e  # the uniform number whose Gumbel noise is 0
TRIANGLE = torch.tensor([1.0, 2, 3, 4, 5, 4, 3, 2, 1]) / 25


def two_halves(height: int = 12, width: int = 16) -> torch.Tensor:
    label = torch.zeros(1, height, width, dtype=torch.int64)
    label[..., width // 2 :] = 1
    return label


def certain(label: torch.Tensor, num_classes: int = 2) -> torch.Tensor:
    return 100.0 * torch.nn.functional.one_hot(label, num_classes).movedim(-1, 1)


def test_a_point_is_smoothed_to_a_pyramid():
    point = torch.zeros(1, 1, 21, 23)
    point[0, 0, 10, 11] = 1
    expected = torch.zeros(21, 23)
    expected[6:15, 7:16] = TRIANGLE.outer(TRIANGLE)
    torch.testing.assert_close(smooth(point)[0, 0], expected)


def test_maps_mirror_outside_as_often_as_it_takes():
    assert mirrored(torch.tensor([[[0, 1, 2]]]), -1).flatten().tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    assert mirrored(torch.tensor([[[7]]]), -2).flatten().tolist() == [7] * 9


@given(size=st.tuples(st.integers(1, 12), st.integers(1, 12)), value=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_smoothing_keeps_size_and_constants(size, value):
    maps = torch.full((1, 2, *size), value)
    torch.testing.assert_close(smooth(maps), maps)


def test_a_step_is_steepest_where_it_is():
    steepness = edges(two_halves().unsqueeze(1).float())[0, 0]
    assert steepness.max() == 1
    assert set(steepness[6, :12].topk(2).indices.tolist()) == {7, 8}  # the rim is an edge of class 1, too
    assert steepness[6, 3] < steepness[6, 5] < steepness[6, 7]


def test_a_certain_right_prediction_costs_nothing_and_a_shifted_one_more_than_a_near_one():
    label = two_halves()
    loss, uniform = DualTaskLoss(), torch.full((1, 2, 12, 16), NO_NOISE)
    values = [loss(certain(label.roll(shift, dims=-1)), label, uniform).item() for shift in (0, 1, 4)]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values[0] < values[1] < values[2]


def test_noise_is_that_of_torchs_generator():
    logits, label = torch.randn(1, 3, 8, 8), torch.randint(0, 3, (1, 8, 8))
    torch.manual_seed(1)
    first, second = DualTaskLoss()(logits, label), DualTaskLoss()(logits, label)
    torch.manual_seed(1)
    assert DualTaskLoss()(logits, label).item() == first.item() != second.item()
    torch.manual_seed(1)
    uniform = torch.rand_like(logits)
    assert DualTaskLoss()(logits, label, uniform).item() == first.item()


def test_ignored_pixels_count_nothing_in_the_sum():
    logits, label = torch.randn(1, 2, 8, 8, requires_grad=True), torch.full((1, 8, 8), 255)
    value = DualTaskLoss()(logits, label)
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()


def test_what_is_predicted_at_an_ignored_pixel_does_not_matter():
    logits, label, uniform = torch.randn(1, 2, 8, 8), two_halves(8, 8), torch.rand(1, 2, 8, 8)
    label[0, 2:4, 2:4] = 255
    other = torch.where(label.unsqueeze(1) == 255, 50, logits)
    loss = DualTaskLoss()
    assert loss(logits, label, uniform).item() == loss(other, label, uniform).item()


def test_gradient_is_that_of_the_value():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(1, 2, 5, 6, dtype=torch.float64, generator=generator, requires_grad=True)
    uniform = torch.rand(1, 2, 5, 6, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(lambda x: DualTaskLoss()(x, two_halves(5, 6), uniform), logits)


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_the_ends_of_the_random_numbers_are_finite(extreme):
    logits = torch.randn(1, 2, 6, 6).bfloat16().requires_grad_()
    value = DualTaskLoss()(logits, two_halves(6, 6), torch.full((1, 2, 6, 6), extreme))
    value.backward()
    assert value.isfinite()
    assert value.dtype == torch.float32
    assert logits.grad.isfinite().all()


def test_a_temperature_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="tau is a number above 0, got 0"):
        DualTaskLoss(tau=0)
