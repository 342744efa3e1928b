"""Absolute and squared differences, by hand."""

import pytest
import torch

from segwright.build import build_loss
from segwright.errors import ConfigError, DataError
from segwright.losses import L1Loss, MSELoss

PREDICTION = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
TARGET = torch.tensor([2.0, 255.0, 1.0]).view(1, 3, 1, 1)


def test_l1_leaves_out_the_ignored_element():
    assert L1Loss()(PREDICTION, TARGET).item() == pytest.approx(1.5)
    assert L1Loss("sum")(PREDICTION, TARGET).item() == 3
    assert L1Loss("none")(PREDICTION, TARGET).flatten().tolist() == [1, 0, 2]


def test_mse_counts_every_element_unless_told_otherwise():
    assert MSELoss()(PREDICTION, TARGET).item() == pytest.approx((1 + 253**2 + 4) / 3)
    assert MSELoss(ignore_index=255)(PREDICTION, TARGET).item() == pytest.approx(2.5)
    assert MSELoss("sum", ignore_index=255)(PREDICTION, TARGET).item() == 5
    assert MSELoss("none", ignore_index=255)(PREDICTION, TARGET).flatten().tolist() == [1, 0, 4]


@pytest.mark.parametrize("loss", [L1Loss(), MSELoss(ignore_index=255)])
def test_ignored_elements_have_no_gradient(loss):
    prediction = torch.tensor([3.0, 2.0]).view(1, 2, 1, 1).requires_grad_()
    loss(prediction, torch.tensor([255.0, 1.0]).view(1, 2, 1, 1)).backward()
    assert prediction.grad[0, 0].item() == 0
    assert prediction.grad[0, 1].item() != 0
    assert loss(PREDICTION, torch.full_like(PREDICTION, 255)).item() == 0


@pytest.mark.parametrize("loss", [L1Loss(), MSELoss()])
def test_a_single_channel_takes_a_target_without_channels_and_of_any_type(loss):
    prediction, target = torch.randn(2, 1, 3, 4), torch.randint(0, 2, (2, 3, 4))
    expected = loss(prediction, target.unsqueeze(1).float())
    assert loss(prediction, target).item() == expected.item()


@pytest.mark.parametrize("loss", [L1Loss(), MSELoss()])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_full(loss, dtype):
    prediction, target = (100 * torch.randn(2, 3, 40, 40)).to(dtype), torch.randn(2, 3, 40, 40)
    value = loss(prediction, target)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(prediction.float(), target).item(), rel=1e-6)


@pytest.mark.parametrize("loss", [L1Loss(), MSELoss()])
def test_class_ids_are_not_broadcast_over_channels(loss):
    with pytest.raises(DataError, match="wants a target of the same shape, got \\(2, 4, 4\\)"):
        loss(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ConfigError, match="'mean', 'sum' or 'none'"):
        build_loss({"type": "L1Loss", "reduction": "max"})
