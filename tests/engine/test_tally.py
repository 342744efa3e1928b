"""Counting on the device gives what counting in NumPy does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.engine.tally import LEVELS, ConfusionTally, RocTally, levels_of
from segwright.errors import DataError
from segwright.metrics import ConfusionMatrix, auc_roc

CPU = torch.device("cpu")


@settings(deadline=None)
@given(st.integers(1, 20), st.sampled_from([0, 3, 255]), st.integers(0, 2**32 - 1))
def test_a_tally_is_the_confusion_matrix(num_classes, ignore_index, seed):
    rng = np.random.default_rng(seed)
    tally, matrix = ConfusionTally(num_classes, ignore_index, CPU), ConfusionMatrix(num_classes, ignore_index)
    for dtype in (np.uint8, np.uint16, np.int32):
        label = rng.choice([*range(num_classes), 200, 255], (1, 9, 8)).astype(dtype)
        pred = rng.integers(0, num_classes, label.shape)
        tally.add(torch.from_numpy(pred), torch.from_numpy(label))
        matrix.update(pred, label)
    np.testing.assert_array_equal(tally.total().counts, matrix.counts)
    assert tally.total().scores() == matrix.scores()


def test_counts_beyond_two_to_the_31_stay_exact():
    tally = ConfusionTally(2, 255, CPU)
    tally.counts += 2**40
    tally.add(torch.tensor([1]), torch.tensor([1]))
    assert tally.total().intersect_area.tolist() == [2**40, 2**40 + 1]


def test_sizes_that_differ_are_an_error():
    with pytest.raises(DataError, match=r"\(1, 2, 3\), the label \(1, 3, 2\)"):
        ConfusionTally(2, 255, CPU).add(torch.zeros(1, 2, 3).long(), torch.zeros(1, 3, 2).long())


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 5), st.floats(0.1, 30), st.integers(0, 2**32 - 1))
def test_areas_under_roc_curves_are_exact_but_for_ties(num_classes, scale, seed):
    torch.manual_seed(seed)
    tally = RocTally(num_classes, 255, CPU)
    label = torch.randint(0, num_classes, (3, 20, 30))
    logits = scale * (torch.randn(3, num_classes, 20, 30) + torch.eye(num_classes)[label].permute(0, 3, 1, 2))
    label[:, 0] = 255
    for one, its_label in zip(logits, label, strict=True):
        tally.add(one[None], its_label[None])
    curves = tally.total()
    exact = auc_roc(logits.softmax(dim=1).numpy(), label.numpy(), num_classes)
    negatives, positives = curves.counts.transpose(1, 0, 2).astype(float)
    ties = (negatives * positives).sum(axis=1) / (negatives.sum(axis=1) * positives.sum(axis=1))
    assert curves.counts[0].sum() == 3 * 19 * 30
    assert abs(curves.area - exact) <= ties.mean() / 2 + 1e-12
    assert curves.area == pytest.approx(exact, abs=3e-5)


def test_certainty_and_no_number_at_all_have_a_level():
    tally = RocTally(2, 255, CPU)
    logits = torch.tensor([[500.0, -500.0], [torch.nan, 0.0], [-torch.inf, 0.0]]).t().reshape(1, 2, 1, 3)
    tally.add(logits, torch.tensor([[[0, 0, 1]]]))
    curves = tally.total()
    assert curves.counts.sum() == 3
    assert curves.area == 1


@given(st.lists(st.floats(0, 1, width=32), min_size=2))
def test_levels_rise_with_the_probability(probs):
    levels = levels_of(torch.tensor(sorted(probs)))
    assert (levels.diff() >= 0).all()
    assert levels[0] >= 0
    assert levels[-1] < LEVELS
