"""Objects in one piece or several, counted by hand."""

import pytest
import torch

from segwright.errors import ConfigError
from segwright.losses import SemanticConnectivityLoss


def picture(*rows: str) -> torch.Tensor:
    """(1, H, W) label from rows of digits; a dot is ignored."""
    return torch.tensor([[255 if each == "." else int(each) for each in row] for row in rows]).unsqueeze(0)


def certain(pred: torch.Tensor, num_classes: int = 2) -> torch.Tensor:
    return 100.0 * torch.nn.functional.one_hot(pred, num_classes).movedim(-1, 1)


BAR = picture("00000000000", "01111111110", "00000000000")
BROKEN_BAR = picture("00000000000", "01111011110", "00000000000")


def test_a_right_prediction_costs_nothing():
    assert SemanticConnectivityLoss()(certain(BAR), BAR).item() == pytest.approx(0, abs=1e-6)


def test_an_object_in_two_pieces():
    value = SemanticConnectivityLoss()(certain(BROKEN_BAR), BAR)
    broken, background = 1 - 4 / 9, 1 - 24 / 25
    assert value.item() == pytest.approx((broken + background) / 2, rel=1e-5)


def test_two_objects_grown_together():
    value = SemanticConnectivityLoss()(certain(BAR), BROKEN_BAR)
    grown, background = 1 - 4 / 9, 1 - 24 / 25
    assert value.item() == pytest.approx((grown + background) / 2, rel=1e-5)


def test_a_piece_that_meets_none_counts_as_one_more():
    label, pred = picture("110000", "110000"), picture("110011", "110011")
    value = SemanticConnectivityLoss()(certain(pred), label)
    lone, background = 1 - 1 / 2, 1 - 4 / 8
    assert value.item() == pytest.approx((lone + background) / 2, rel=1e-5)


def test_a_class_that_is_missed_costs_more_than_one_that_is_misplaced():
    label = picture("110000")
    value = SemanticConnectivityLoss()(certain(torch.zeros_like(label)), label)
    missed, background = 1 + 2 / 6, 1 - 4 / 6
    assert value.item() == pytest.approx((missed + background) / 2, rel=1e-5)


def test_pieces_touch_at_corners():
    label = picture("1000", "0100", "0010", "0001")
    assert SemanticConnectivityLoss()(certain(label), label).item() == pytest.approx(0, abs=1e-6)


def test_probabilities_weigh_the_pixels():
    label = picture("11")
    logits = torch.tensor([0.25, 0.75]).log().view(1, 2, 1, 1).expand(1, 2, 1, 2)
    assert SemanticConnectivityLoss()(logits, label).item() == pytest.approx(1 - 0.75, rel=1e-5)


def test_only_so_many_pieces_take_part_where_there_are_far_more_than_there_should_be():
    label, pred = picture("1000000000"), picture("1010101010")
    of_five, of_two = (
        SemanticConnectivityLoss(max_pred_num_conn=limit)(certain(pred), label).item() for limit in (10, 3)
    )
    assert 2 * (of_five - of_two) == pytest.approx((1 - 1 / 5) - (1 - 1 / 2), rel=1e-5)


def test_ignored_pixels_are_in_no_piece():
    label, loss = picture("11.00", "11.00"), SemanticConnectivityLoss()
    logits = certain(picture("11100", "11000")).requires_grad_()
    value = loss(logits, label)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert (logits.grad[..., 2] == 0).all()
    assert loss(logits, torch.full_like(label, 255)).item() == 0


def test_gradient_is_that_of_the_value():
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    label = torch.tensor([0, 1, 2, 255]).repeat(10).view(2, 4, 5)
    assert torch.autograd.gradcheck(lambda x: SemanticConnectivityLoss()(x, label), logits.requires_grad_())


def test_a_step_down_the_gradient_mends():
    label, loss = BAR, SemanticConnectivityLoss()
    logits = 0.02 * certain(BROKEN_BAR) + 0.5 * torch.randn(1, 2, 3, 11, generator=torch.Generator().manual_seed(2))
    logits.requires_grad_()
    before = loss(logits, label)
    before.backward()
    assert loss(logits - 0.1 * logits.grad, label) < before


def test_as_in_paddleseg_class_0_never_matches_and_nothing_is_learned():
    logits = certain(BROKEN_BAR).requires_grad_()
    value = SemanticConnectivityLoss(as_paddleseg=True)(logits, BAR)
    assert value.item() == pytest.approx((1 - 4 / 9 + 1) / 2, rel=1e-5)
    assert not value.requires_grad


def test_half_precision_is_computed_in_full():
    logits, label = torch.randn(1, 3, 20, 20).bfloat16(), torch.randint(0, 3, (1, 20, 20))
    loss = SemanticConnectivityLoss()
    assert loss(logits, label).item() == pytest.approx(loss(logits.float(), label).item(), rel=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigError, match="remove use_argmax: False"):
        SemanticConnectivityLoss(use_argmax=False)
    with pytest.raises(ConfigError, match="max_pred_num_conn is 2 or more"):
        SemanticConnectivityLoss(max_pred_num_conn=1)
