"""Surrogates of the intersection over union, against the sets that they extend."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.losses import LovaszHingeLoss, LovaszSoftmaxLoss
from segwright.losses.lovasz import jaccard_extension


def jaccard_loss(wrong: np.ndarray, foreground: np.ndarray) -> float:
    """One minus the intersection over union when the pixels ``wrong`` are predicted wrong; 0 if nothing is there."""
    predicted = foreground ^ wrong
    union = (predicted | foreground).sum()
    return 1 - (predicted & foreground).sum() / union if union else 0.0


def by_definition(errors: np.ndarray, foreground: np.ndarray) -> float:
    """The integral of the loss of the pixels with errors above t, over t: the Lovasz extension of any set function."""
    levels = np.concatenate([[0.0], np.unique(errors)])
    return sum((upper - lower) * jaccard_loss(errors > lower, foreground) for lower, upper in pairwise(levels))


@settings(deadline=None)
@given(
    pixels=st.lists(
        st.tuples(st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0, 3.0]), st.booleans()), min_size=1, max_size=12
    )
)
def test_the_extension_is_the_integral_of_the_losses_of_its_level_sets(pixels):
    errors, foreground = (np.array(each) for each in zip(*pixels, strict=True))
    value = jaccard_extension(torch.from_numpy(errors), torch.from_numpy(foreground))
    assert value.item() == pytest.approx(by_definition(errors, foreground), abs=1e-9)


def test_pixels_without_error_of_another_class_might_as_well_not_be_there():
    errors, foreground = torch.tensor([0.9, 0.1, 0.4]), torch.tensor([True, False, False])
    more = torch.cat([errors, torch.zeros(5)]), torch.cat([foreground, torch.zeros(5, dtype=torch.bool)])
    assert jaccard_extension(*more).item() == pytest.approx(jaccard_extension(errors, foreground).item(), rel=1e-6)


def test_certain_answers_cost_the_mean_of_one_minus_iou():
    label, answer = torch.tensor([[[0, 0, 1, 1, 2, 255]]]), torch.tensor([[[0, 1, 1, 1, 0, 2]]])
    logits = 100.0 * torch.nn.functional.one_hot(answer, 4).permute(0, 3, 1, 2)
    ious = [1 / 3, 2 / 3, 0]
    assert LovaszSoftmaxLoss()(logits, label).item() == pytest.approx(1 - np.mean(ious), rel=1e-5)
    assert LovaszSoftmaxLoss(classes=[0, 1])(logits, label).item() == pytest.approx(0.5, rel=1e-5)
    assert LovaszSoftmaxLoss(classes="all")(logits, label).item() == pytest.approx((3 - sum(ious)) / 4, rel=1e-5)


def test_hinge_errors_are_taken_of_one_score_or_of_the_log_odds():
    label, score = torch.tensor([[[1, 0, 1, 0]]]), torch.tensor([0.5, -2.0, 3.0, 1.0])
    expected = by_definition(np.array([0.5, 0, 0, 2]), np.array([True, False, True, False]))
    one = score.view(1, 1, 1, 4)
    assert LovaszHingeLoss()(one, label).item() == pytest.approx(expected, rel=1e-6)
    assert LovaszHingeLoss()(torch.cat([one + 7, 2 * one + 7], dim=1), label).item() == pytest.approx(
        expected, rel=1e-6
    )


def test_a_perfect_answer_costs_nothing_but_with_paddlesegs_score():
    label = torch.tensor([[[0, 1], [1, 0]]])
    logits = 100.0 * torch.nn.functional.one_hot(label, 2).permute(0, 3, 1, 2)
    assert LovaszHingeLoss()(logits, label).item() == 0
    assert LovaszHingeLoss(as_paddleseg=True)(logits, label).item() == pytest.approx(1 - np.log(2), rel=1e-3)


@pytest.mark.parametrize("loss", [LovaszHingeLoss(), LovaszSoftmaxLoss()])
def test_gradient_is_that_of_the_value_and_ignored_pixels_have_none(loss):
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 1, (2, 2, 4, 5))).requires_grad_()
    label = torch.from_numpy(rng.choice([0, 1, 255], (2, 4, 5)))
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits)
    loss(logits, label).backward()
    assert (logits.grad.transpose(0, 1)[:, label == 255] == 0).all()


def test_what_does_not_fit_is_refused():
    logits, label = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(DataError, match="3 channels; take LovaszSoftmaxLoss"):
        LovaszHingeLoss()(logits, label)
    with pytest.raises(DataError, match=r"classes: \[0, 3\], but the model predicts 3"):
        LovaszSoftmaxLoss(classes=[0, 3])(logits, label)
    with pytest.raises(ConfigError, match="a list of class ids"):
        LovaszSoftmaxLoss(classes=[])
