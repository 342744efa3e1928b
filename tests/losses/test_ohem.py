"""Cross entropy over hard pixels, against the rule spelled out pixel by pixel."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError
from segwright.losses import CrossEntropyLoss, OhemCrossEntropyLoss


def logits_for(probs: list[float]) -> torch.Tensor:
    """Logits of two classes for a row of pixels whose first class has these probabilities."""
    return torch.tensor([[[[math.log(p / (1 - p)) for p in probs]], [[0.0] * len(probs)]]])


def by_hand(logits: torch.Tensor, label: torch.Tensor, thresh: float, min_kept: int) -> float:
    """The definition, with a full sort."""
    every = logits.double().softmax(dim=1).gather(1, label.clamp(max=1).unsqueeze(1)).squeeze(1)
    probs = every[label != 255].float().numpy()
    if 0 < min_kept < len(probs):
        probs = probs[probs < max(np.float32(thresh), np.sort(probs)[min_kept - 1])]
    return float(-np.log(probs).sum() / (len(probs) + 1e-5 * label.numel()))


def test_pixels_below_the_threshold_are_kept_and_averaged():
    logits, label = logits_for([0.1, 0.2, 0.6, 0.9, 0.95]), torch.zeros(1, 1, 5, dtype=torch.int64)
    loss = OhemCrossEntropyLoss(thresh=0.7, min_kept=1)(logits, label)
    assert loss.item() == pytest.approx(-math.log(0.1 * 0.2 * 0.6) / 3, rel=1e-4)


def test_where_too_few_are_hard_the_limit_is_the_min_kept_th_smallest_and_left_out_itself():
    logits, label = logits_for([0.8, 0.85, 0.9, 0.95]), torch.zeros(1, 1, 4, dtype=torch.int64)
    loss = OhemCrossEntropyLoss(thresh=0.7, min_kept=3)(logits, label)
    assert loss.item() == pytest.approx(-math.log(0.8 * 0.85) / 2, rel=1e-4)


@pytest.mark.parametrize("min_kept", [0, 3, 100])
def test_no_mining_for_min_kept_0_or_as_many_as_there_are(min_kept):
    logits, label = torch.randn(1, 3, 2, 2), torch.tensor([[[0, 1], [2, 255]]])
    mined = OhemCrossEntropyLoss(thresh=0.0, min_kept=min_kept)(logits, label)
    assert mined.item() == pytest.approx(CrossEntropyLoss()(logits, label).item(), rel=1e-4)


@settings(deadline=None)
@given(
    steps=st.lists(st.sampled_from([-40, -2, -1, 0, 1, 2, 40]), min_size=1, max_size=24),
    ids=st.lists(st.sampled_from([0, 1, 255]), min_size=24, max_size=24),
    thresh=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    min_kept=st.integers(0, 26),
)
def test_ties_are_treated_as_the_rule_says(steps, ids, thresh, min_kept):
    logits = torch.stack([torch.tensor(steps).float() / 2, torch.zeros(len(steps))]).view(1, 2, 1, -1)
    label = torch.tensor(ids[: len(steps)]).view(1, 1, -1)
    loss = OhemCrossEntropyLoss(thresh, min_kept)(logits, label)
    assert loss.item() == pytest.approx(by_hand(logits, label, thresh, min_kept), rel=1e-4, abs=1e-6)


def test_left_out_and_ignored_pixels_have_no_gradient():
    logits, label = logits_for([0.1, 0.9, 0.1]).requires_grad_(), torch.tensor([[[0, 0, 255]]])
    OhemCrossEntropyLoss(min_kept=1)(logits, label).backward()
    assert (logits.grad[0, :, 0] != 0).all(dim=0).tolist() == [True, False, False]


def test_weights_enter_the_sum_only():
    logits, label = torch.randn(2, 3, 8, 8), torch.full((2, 8, 8), 1)
    plain = OhemCrossEntropyLoss(min_kept=5)(logits, label)
    weighted = OhemCrossEntropyLoss(min_kept=5, weight=[1.0, 3.0, 1.0])(logits, label)
    assert weighted.item() == pytest.approx(3 * plain.item(), rel=1e-5)


def test_a_loss_that_is_not_a_number_shows():
    logits = torch.randn(1, 3, 4, 4)
    logits[0, 0, 0, 0] = math.nan
    assert OhemCrossEntropyLoss(min_kept=4)(logits, torch.ones(1, 4, 4, dtype=torch.int64)).isnan()


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigError, match="thresh is a probability from 0 to 1, got 70"):
        OhemCrossEntropyLoss(thresh=70)
    with pytest.raises(ConfigError, match="min_kept is a number of pixels, got -1"):
        OhemCrossEntropyLoss(min_kept=-1)
