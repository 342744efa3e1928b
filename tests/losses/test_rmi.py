"""Region mutual information, against the formula with explicit windows and inverses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.losses import RMILoss


def random_pair(
    seed: int, *, num_classes: int = 2, side: int = 9, images: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    label = rng.choice([*range(num_classes), 255], (images, side, side + 2))
    return torch.from_numpy(rng.normal(0, 2, (images, num_classes, *label.shape[1:]))), torch.from_numpy(label)


def windows(plane: np.ndarray, radius: int) -> np.ndarray:
    """(h, w) -> (radius^2, P), centred."""
    view = np.lib.stride_tricks.sliding_window_view(plane, (radius, radius))
    columns = view.reshape(-1, radius**2).T
    return columns - columns.mean(axis=1, keepdims=True)


def by_hand(logits: torch.Tensor, label: torch.Tensor, radius: int) -> float:
    """The definition for one image, without pooling."""
    total, ridge = 0.0, 5e-4 * np.eye(radius**2)
    for index, plane in enumerate(logits[0].numpy()):
        p = windows((label[0].numpy() != 255) / (1 + np.exp(-plane)), radius)
        y = windows((label[0].numpy() == index).astype(float), radius)
        given_p = y @ y.T - y @ p.T @ np.linalg.inv(p @ p.T + ridge) @ p @ y.T
        total += 0.5 * np.linalg.slogdet(given_p + ridge)[1] / radius**2
    return total


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), radius=st.integers(1, 4))
def test_value_follows_the_formula(seed, radius):
    logits, label = random_pair(seed)
    loss = RMILoss(rmi_radius=radius, rmi_pool_size=1, rmi_pool_stride=1)(logits, label)
    assert loss.item() == pytest.approx(by_hand(logits, label, radius), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_prediction_without_shape_tells_nothing_whatever_its_height(way):
    _, label = random_pair(3, side=30)
    loss = RMILoss(rmi_pool_way=way)
    flat = torch.zeros(1, 2, *label.shape[1:])
    label[label == 255] = 0
    assert loss(flat, label).item() == pytest.approx(loss(flat + 3, label).item(), rel=1e-5)


@pytest.mark.parametrize(("way", "pool"), [(0, 3), (1, 2), (2, 2)])
def test_gradient_is_that_of_the_value(way, pool):
    logits, label = random_pair(5)
    loss = RMILoss(rmi_radius=2, rmi_pool_way=way, rmi_pool_size=pool, rmi_pool_stride=pool)
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits.requires_grad_())


def test_any_memory_layout_gives_the_same_gradient():
    logits, label = random_pair(7, num_classes=3, side=20, images=2)
    gradients = []
    for layout in (torch.contiguous_format, torch.channels_last):
        leaf = logits.clone(memory_format=layout).requires_grad_()
        RMILoss()(leaf, label).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_a_right_prediction_costs_less_than_noise_and_images_are_averaged():
    label = torch.zeros(1, 24, 24, dtype=torch.int64)
    label[:, 6:18, 8:20] = 1
    right = 12 * torch.nn.functional.one_hot(label, 2).permute(0, 3, 1, 2).float() - 6
    noise = torch.randn(1, 2, 24, 24, generator=torch.Generator().manual_seed(0))
    loss = RMILoss(num_classes=2)
    assert loss(right, label) < loss(noise, label)
    both = loss(torch.cat([right, noise]), label.expand(2, -1, -1))
    assert both.item() == pytest.approx((loss(right, label) + loss(noise, label)).item() / 2, rel=1e-5)


def test_ignored_pixels_have_no_gradient():
    logits, label = random_pair(11, side=12)
    label[0, :5] = 255
    logits.requires_grad_()
    RMILoss()(logits, label).backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad[0, :, :5] == 0).all()


@pytest.mark.parametrize("factor", [0.0, 1e4])
def test_constant_and_saturated_predictions_are_finite(factor):
    logits, label = random_pair(13, side=120)
    logits = (factor * logits).float().requires_grad_()
    value = RMILoss()(logits, label)
    value.backward()
    assert torch.isfinite(value)
    assert logits.grad.isfinite().all()


def test_a_loss_that_is_not_a_number_shows():
    logits, label = random_pair(17)
    logits[0, 1, 4, 4] = math.nan
    label[0, 4, 4] = 0
    assert RMILoss()(logits, label).isnan()


def test_mixed_precision_computes_in_full_and_hands_its_own_type_back():
    logits, label = random_pair(19, side=24)
    half = logits.bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        value = RMILoss()(half, label)
    value.backward()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(RMILoss()(half.detach().float(), label).item(), rel=1e-6)
    assert half.grad.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rmi_radius": 0}, "rmi_radius is a number of pixels from 1 to 10, got 0"),
        ({"rmi_pool_size": 3, "rmi_pool_stride": 2}, "one number, 1 or more; got 3 and 2"),
        ({"loss_weight_lambda": 0.7}, "loss_weight_lambda, here 0.7, has no effect"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        RMILoss(**arguments)


def test_logits_that_do_not_fit_are_named():
    logits, label = random_pair(23)
    with pytest.raises(DataError, match="RMILoss has num_classes: 19, but the model predicts 2 classes"):
        RMILoss(num_classes=19)(logits, label)
    with pytest.raises(DataError, match="windows of 3x3 pixels after pooling by 8, but the logits are 11x9 pixels"):
        RMILoss(rmi_pool_size=8, rmi_pool_stride=8)(logits, label)
