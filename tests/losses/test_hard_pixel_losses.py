"""Losses that look at difficult pixels more: focal and bootstrapped."""

import math

import pytest
import torch
import torch.nn.functional as F

from segwright.errors import ConfigError, DataError
from segwright.losses import BootstrappedCrossEntropyLoss, CrossEntropyLoss, FocalLoss, MultiClassFocalLoss


def logits_for(probs: list[list[float]]) -> torch.Tensor:
    """Logits of two classes for images of one row; each pixel's probability of class 0 is given."""
    score = torch.tensor([[math.log(p / (1 - p)) for p in row] for row in probs])
    return torch.stack([score, torch.zeros_like(score)], dim=1).unsqueeze(2)


def test_pixels_above_the_threshold_count_if_there_are_enough_of_them_in_their_image():
    logits = logits_for([[0.1, 0.2, 0.3, 0.9], [0.4, 0.8, 0.8, 0.9]])
    label = torch.zeros(2, 1, 4, dtype=torch.int64)
    loss = BootstrappedCrossEntropyLoss(min_K=2, loss_th=-math.log(0.5))(logits, label)
    three_hard, two_worst = -math.log(0.1 * 0.2 * 0.3) / 3, -math.log(0.4 * 0.8) / 2
    assert loss.item() == pytest.approx((three_hard + two_worst) / 2, rel=1e-5)


def test_an_image_smaller_than_min_k_counts_whole():
    logits, label = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    loss = BootstrappedCrossEntropyLoss(min_K=1000, loss_th=0.1)(logits, label)
    assert loss.item() == pytest.approx(CrossEntropyLoss()(logits, label).item(), rel=1e-5)


def test_weights_apply_before_the_choice():
    logits = logits_for([[0.5, 0.5, 0.9]])
    label = torch.tensor([[[0, 1, 0]]])
    loss = BootstrappedCrossEntropyLoss(min_K=1, loss_th=9.0, weight=[1.0, 3.0])(logits, label)
    assert loss.item() == pytest.approx(3 * math.log(2), rel=1e-5)


def test_focal_loss_of_two_sigmoids_by_hand():
    logits, label = torch.tensor([0.3, -1.2]).view(1, 2, 1, 1).expand(1, 2, 1, 2), torch.tensor([[[1, 255]]])
    no, yes = torch.sigmoid(torch.tensor(-0.3)).item(), torch.sigmoid(torch.tensor(-1.2)).item()
    expected = -0.75 * (1 - no) ** 2 * math.log(no) - 0.25 * (1 - yes) ** 2 * math.log(yes)
    assert FocalLoss()(logits, label).item() == pytest.approx(expected / 2, rel=1e-5)


def test_without_focus_both_are_cross_entropies():
    logits, label = torch.randn(2, 2, 4, 5), torch.randint(0, 2, (2, 4, 5))
    truth = F.one_hot(label, 2).permute(0, 3, 1, 2).float()
    binary = F.binary_cross_entropy_with_logits(logits, truth)
    assert FocalLoss(alpha=0.5, gamma=0)(logits, label).item() == pytest.approx(binary.item() / 2, rel=1e-5)
    multi = MultiClassFocalLoss(alpha=3, gamma=0)(logits, label)
    assert multi.item() == pytest.approx(3 * CrossEntropyLoss()(logits, label).item(), rel=1e-5)


def test_focal_loss_of_a_softmax_by_hand():
    logits, label = logits_for([[0.2, 0.7, 0.5]]), torch.tensor([[[0, 1, 255]]])
    expected = -((1 - 0.2) ** 3 * math.log(0.2) + (1 - 0.3) ** 3 * math.log(0.3)) / 2
    assert MultiClassFocalLoss(gamma=3)(logits, label).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [FocalLoss(gamma=0.5), MultiClassFocalLoss(gamma=0.5), MultiClassFocalLoss(gamma=2)])
def test_gradient_is_that_of_the_value(loss):
    label = torch.tensor([[[0, 1, 255, 1]]])
    logits = torch.tensor([[[[3.0, 1, 0, 4]], [[-1.0, 0, 2, -3]]]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits)


def test_what_does_not_fit_is_refused():
    logits, label = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(DataError, match="the model predicts 3; take MultiClassFocalLoss"):
        FocalLoss()(logits, label)
    with pytest.raises(DataError, match="num_class: 4, but the model predicts 3 classes"):
        MultiClassFocalLoss(num_class=4)(logits, label)
    for build in (lambda: FocalLoss(gamma=-1), lambda: MultiClassFocalLoss(gamma=-1)):
        with pytest.raises(ConfigError, match="gamma is 0 or more, got -1"):
            build()
    with pytest.raises(ConfigError, match="alpha is a weight from 0 to 1, got 25"):
        FocalLoss(alpha=25)
    with pytest.raises(ConfigError, match="min_K is a number of pixels, 1 or more, got 0"):
        BootstrappedCrossEntropyLoss(min_K=0, loss_th=0.3)
