"""Losses over labels where a pixel may have several classes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from segwright import losses
from segwright.errors import ConfigError
from segwright.losses.inputs import check_multilabel


def batch(num_classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(num_classes)
    logits = torch.randn(2, num_classes, 5, 6, requires_grad=True)
    label = torch.randint(0, 2, logits.shape, dtype=torch.uint8)
    label[0, 0, :2] = 255
    return logits, label


@pytest.mark.parametrize("num_classes", [1, 2, 3])
def test_bce_asks_every_class_and_skips_what_is_ignored(num_classes):
    logits, label = batch(num_classes)
    valid = label != 255
    expected = F.binary_cross_entropy_with_logits(logits[valid], label[valid].float())
    torch.testing.assert_close(losses.BCELoss()(logits, label), expected)


def jaccard_hinge(score: np.ndarray, yes: np.ndarray) -> float:
    """Algorithm 1 of Berman et al., 2018, pixel by pixel."""
    errors = 1 - score * np.where(yes, 1, -1)
    total, before, wrong_yes, wrong_no = 0.0, 0.0, 0, 0
    for index in np.argsort(-errors):
        wrong_yes, wrong_no = wrong_yes + yes[index], wrong_no + (not yes[index])
        after = 1 - (yes.sum() - wrong_yes) / (yes.sum() + wrong_no)
        total, before = total + max(errors[index], 0) * (after - before), after
    return total


@pytest.mark.parametrize("as_paddleseg", [False, True])
@pytest.mark.parametrize("num_classes", [1, 2, 3])
def test_the_hinge_is_over_all_pairs_of_pixel_and_class(num_classes, as_paddleseg):
    logits, label = batch(num_classes)
    valid = label != 255
    loss = losses.LovaszHingeLoss(as_paddleseg=as_paddleseg)(logits, label)
    expected = jaccard_hinge(logits[valid].detach().double().numpy(), (label[valid] == 1).numpy())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert not logits.grad[~valid].any()
    assert logits.grad[valid].abs().sum() > 0


@pytest.mark.parametrize("loss", [losses.BCELoss(), losses.LovaszHingeLoss()])
def test_r14_nothing_to_compare_with_costs_nothing(loss):
    logits, label = batch()
    value = loss(logits, torch.full_like(label, 255))
    value.backward()
    assert value.item() == 0
    assert not logits.grad.any()


def test_losses_of_one_class_a_pixel_are_refused_by_name():
    allowed = losses.MixedLoss([losses.BCELoss(), losses.LovaszHingeLoss()], [0.5, 0.5])
    check_multilabel([allowed, losses.BCELoss()])
    with pytest.raises(ConfigError, match=r"DiceLoss compares one class a pixel.*take BCELoss or LovaszHingeLoss"):
        check_multilabel([losses.MixedLoss([losses.BCELoss(), losses.DiceLoss()], [1.0, 1.0])])
    with pytest.raises(ConfigError, match="CrossEntropyLoss"):
        check_multilabel([losses.CrossEntropyLoss()])
