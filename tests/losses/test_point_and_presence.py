"""Cross entropy at points, and of the classes in a picture."""

import math

import pytest
import torch

from segwright.errors import ConfigError, DataError
from segwright.losses import CrossEntropyLoss, PointCrossEntropyLoss, SECrossEntropyLoss


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def centres(height: int, width: int, *, align_corners: bool) -> torch.Tensor:
    """(1, height * width, 2) places of all pixels, row by row."""
    if align_corners:
        x, y = torch.linspace(0, 1, width), torch.linspace(0, 1, height)
    else:
        x, y = (torch.arange(width) + 0.5) / width, (torch.arange(height) + 0.5) / height
    return torch.stack([x.expand(height, -1), y.unsqueeze(1).expand(-1, width)], dim=-1).view(1, -1, 2)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("arguments", [{}, {"weight": [1, 2, 3]}, {"top_k_percent_pixels": 0.5}])
def test_a_point_at_every_pixel_is_the_whole_picture(align_corners, arguments):
    logits, label = torch.randn(2, 3, 4, 6), torch.randint(0, 3, (2, 4, 6))
    label[:, 1] = 255
    points = centres(4, 6, align_corners=align_corners).expand(2, -1, -1)
    value = PointCrossEntropyLoss(align_corners=align_corners, **arguments)((logits.flatten(2), points), label)
    assert value.item() == pytest.approx(CrossEntropyLoss(**arguments)(logits, label).item(), rel=1e-6)


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_corners_of_the_picture_are_its_corner_pixels(align_corners):
    label = torch.tensor([[[0, 1, 1], [2, 1, 3]]])
    points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])  # x, y
    right = 100 * torch.eye(4).unsqueeze(0)
    value = PointCrossEntropyLoss(align_corners=align_corners)((right, points), label)
    assert value.item() == pytest.approx(0, abs=1e-6)


def test_factors_per_point_enter_the_sum_and_half_precision_is_computed_in_full():
    logits, points, label = torch.randn(2, 3, 50).bfloat16(), torch.rand(2, 50, 2), torch.randint(0, 3, (2, 9, 9))
    loss = PointCrossEntropyLoss()
    value = loss((logits, points), label)
    assert value.item() == pytest.approx(loss((logits.float(), points), label).item(), rel=1e-6)
    assert loss((logits, points), label, torch.full((2, 50), 3.0)).item() == pytest.approx(3 * value.item(), rel=1e-6)


def test_presence_by_hand():
    logits, label = torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([[[0, 2], [255, 0]]])
    expected = (softplus(-2) + softplus(-1) + softplus(0)) / 3
    assert SECrossEntropyLoss()(logits, label).item() == pytest.approx(expected, rel=1e-6)
    assert SECrossEntropyLoss()(logits.view(1, 3, 1, 1), label).item() == pytest.approx(expected, rel=1e-6)


def test_how_often_a_class_occurs_does_not_matter():
    logits = torch.randn(1, 3)
    few, many = torch.tensor([[[0, 1, 1, 1]]]), torch.tensor([[[0, 0, 1, 255]]])
    assert SECrossEntropyLoss()(logits, few).item() == SECrossEntropyLoss()(logits, many).item()


def test_a_picture_of_ignored_pixels_says_nothing():
    logits, label = torch.randn(2, 3).requires_grad_(), torch.tensor([[[0, 1]], [[255, 255]]])
    value = SECrossEntropyLoss()(logits, label)
    value.backward()
    assert value.item() == pytest.approx(SECrossEntropyLoss()(logits[:1], label[:1]).item(), rel=1e-6)
    assert logits.grad[1].tolist() == [0, 0, 0]
    assert SECrossEntropyLoss()(logits, torch.full((2, 1, 2), 255)).item() == 0


def test_any_id_may_be_ignored():
    logits = torch.tensor([[3.0, 3.0]])
    assert SECrossEntropyLoss(ignore_index=1)(logits, torch.tensor([[[0, 1]]])).item() == pytest.approx(
        (softplus(-3) + softplus(3)) / 2, rel=1e-6
    )


def test_what_does_not_fit_is_named():
    with pytest.raises(DataError, match=r"one logit per class, got logits of shape \(1, 3, 2, 2\)"):
        SECrossEntropyLoss()(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2))
    with pytest.raises(ConfigError, match="top_k_percent_pixels"):
        PointCrossEntropyLoss(top_k_percent_pixels=0)
    with pytest.raises(DataError, match="2 class weights, but the model predicts 3"):
        PointCrossEntropyLoss(weight=[1, 2])((torch.zeros(1, 3, 2), torch.zeros(1, 2, 2)), torch.zeros(1, 4, 4))
