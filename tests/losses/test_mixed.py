"""Several losses on one output."""

import pytest
import torch

from segwright.build import build_loss
from segwright.errors import ConfigError
from segwright.losses import CrossEntropyLoss, DiceLoss, MixedLoss


def test_terms_are_weighted_and_added_whatever_their_order():
    logits, label = torch.randn(2, 3, 6, 7), torch.randint(0, 3, (2, 6, 7))
    label[:, 0] = 255
    before = label.clone()
    terms = [DiceLoss(), CrossEntropyLoss()]
    expected = 0.5 * terms[0](logits, label) + 2 * terms[1](logits, label)
    assert MixedLoss(terms, [0.5, 2])(logits, label).item() == pytest.approx(expected.item(), rel=1e-6)
    assert MixedLoss(terms[::-1], [2, 0.5])(logits, label).item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.equal(label, before)


def test_it_is_built_from_blocks_and_may_hold_another():
    inner = {"type": "MixedLoss", "losses": [{"type": "DiceLoss", "smooth": 0.1}], "coef": [2]}
    loss = build_loss({"type": "MixedLoss", "losses": [{"type": "CrossEntropyLoss"}, inner], "coef": [1, 0.5]})
    logits, label = torch.randn(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    expected = CrossEntropyLoss()(logits, label) + DiceLoss(smooth=0.1)(logits, label)
    assert loss(logits, label).item() == pytest.approx(expected.item(), rel=1e-6)


def test_what_does_not_fit_together_is_an_error():
    with pytest.raises(ConfigError, match="losses has 1 entries, but coef has 2"):
        MixedLoss([CrossEntropyLoss()], [1, 1])
    with pytest.raises(ConfigError, match="losses has 0 entries, but coef has 0"):
        MixedLoss([], [])
    with pytest.raises(ConfigError, match="one entry is 'DiceLoss'"):
        MixedLoss(["DiceLoss"], [1])
    with pytest.raises(ConfigError, match=r"losses\.0\.ignore_indx: .*did you mean 'ignore_index'"):
        build_loss({"type": "MixedLoss", "losses": [{"type": "DiceLoss", "ignore_indx": 0}], "coef": [1]})
