"""Counts of maps in which a pixel may have several labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.metrics import MultiLabelCounts


def maps(seed: int, num_classes: int, ignored: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (2, num_classes, 5, 4)
    label = rng.integers(0, 2, shape)
    return rng.integers(0, 2, shape), np.where(rng.random(shape) < ignored, 255, label)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 2))
def test_counts_follow_their_definition_and_add_up(seed, num_classes, ignored, at):
    pred, label = maps(seed, num_classes, ignored)
    whole, first, second = (MultiLabelCounts(num_classes) for _ in range(3))
    whole.update(pred, label)
    first.update(pred[:at], label[:at])
    for one, other in zip(pred[at:], label[at:], strict=True):
        second.update(one, other)
    first.add(second)
    np.testing.assert_array_equal(first.counts, whole.counts)
    for index in range(num_classes):
        pairs = list(zip(pred[:, index].flat, label[:, index].flat, strict=True))
        valid = [(p, q) for p, q in pairs if q != 255]
        assert whole.counts[:, index].tolist() == [
            sum(p and q for p, q in valid),
            sum(p for p, _ in valid),
            sum(q for _, q in valid),
        ]


@given(st.integers(0, 2**32 - 1))
def test_scikit_learn_agrees(seed):
    skmetrics = pytest.importorskip("sklearn.metrics")
    pred, label = maps(seed, 3, 0.0)
    counts = MultiLabelCounts(3)
    counts.update(pred, label)
    ours = counts.scores()
    table, truth = (values.transpose(0, 2, 3, 1).reshape(-1, 3) for values in (pred, label))
    assert ours["class_iou"] == pytest.approx(skmetrics.jaccard_score(truth, table, average=None, zero_division=1))
    assert ours["class_dice"] == pytest.approx(skmetrics.f1_score(truth, table, average=None, zero_division=0))
    assert ours["Acc"] == pytest.approx(skmetrics.precision_score(truth, table, average="micro", zero_division=0))


def test_what_does_not_fit_is_an_error():
    counts = MultiLabelCounts(3)
    with pytest.raises(DataError, match="both want 3 maps of 0 and 1"):
        counts.update(np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int))
    with pytest.raises(DataError, match="the label holds 2"):
        counts.update(np.zeros((3, 4, 4), int), np.full((3, 4, 4), 2))
    with pytest.raises(DataError, match="the prediction holds 255"):
        counts.update(np.full((3, 4, 4), 255), np.zeros((3, 4, 4), int))
    assert not counts.counts.any()
    with pytest.raises(ConfigError, match="cannot merge"):
        counts.add(MultiLabelCounts(2))
    with pytest.raises(ConfigError, match="num_classes"):
        MultiLabelCounts(0)
