"""Cross entropy and dice by hand, and what they refuse."""

import pytest
import torch

from segwright.errors import ConfigError, DataError
from segwright.losses import CrossEntropyLoss, DiceLoss

CROSS_ENTROPY_TWO_PIXELS = (0.1269280110 + 2.1269280110) / 2  # of logits (2, 0) with labels 0 and 1, by hand


def test_cross_entropy_of_two_pixels_by_hand():
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
    label = torch.tensor([[[0, 1, 255]]])
    assert CrossEntropyLoss()(logits, label).item() == pytest.approx(CROSS_ENTROPY_TWO_PIXELS, rel=1e-6)


def test_cross_entropy_over_all_pixels_counts_the_ignored_ones():
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 4)
    label = torch.tensor([[[0, 1, 255, 255]]])
    loss = CrossEntropyLoss(avg_non_ignore=False)(logits, label)
    assert loss.item() == pytest.approx(CROSS_ENTROPY_TWO_PIXELS / 2, rel=1e-6)


def test_dice_is_zero_for_a_certain_right_answer_and_near_one_for_a_wrong_one():
    label = torch.tensor([[[0, 1], [1, 0]]])
    right = 100.0 * torch.nn.functional.one_hot(label, 2).permute(0, 3, 1, 2).float()
    assert DiceLoss(smooth=0.0)(right, label).item() == pytest.approx(0, abs=1e-6)
    assert DiceLoss(smooth=0.0)(-right, label).item() == pytest.approx(1, abs=1e-6)


def test_label_of_another_size_and_weights_of_another_count_are_errors():
    logits, label = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(DataError, match=r"want a label of shape \(1, 4, 4\), got \(1, 4, 5\)"):
        CrossEntropyLoss()(logits, torch.zeros(1, 4, 5, dtype=torch.int64))
    with pytest.raises(DataError, match="2 class weights, but the model predicts 3"):
        DiceLoss(weight=[1.0, 2.0])(logits, label)
    with pytest.raises(ConfigError, match="top_k_percent_pixels"):
        CrossEntropyLoss(top_k_percent_pixels=0)
