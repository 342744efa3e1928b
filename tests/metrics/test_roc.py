"""Areas under ROC curves against their definition, and counts of them merged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.metrics import RocCounts, auc_roc
from segwright.metrics.roc import area_under_curve

LEVEL_COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8)


@given(LEVEL_COUNTS)
def test_the_area_is_the_share_of_pairs_in_the_right_order(levels):
    """Every pixel of the class against every other one; a tie is half a pair."""
    positives, negatives = np.array(levels).T
    ups = [level for level, count in enumerate(positives) for _ in range(count)]
    downs = [level for level, count in enumerate(negatives) for _ in range(count)]
    wins = [(up > down) + 0.5 * (up == down) for up in ups for down in downs]
    expected = pytest.approx(sum(wins) / len(wins)) if wins else None
    assert area_under_curve(positives, negatives) == expected


def test_areas_beyond_two_to_the_62_pairs():
    many = 2**40
    assert area_under_curve(np.array([0, many]), np.array([many, 0])) == 1
    assert area_under_curve(np.array([many, many]), np.array([many, many])) == 0.5


def scores_and_label(seed: int, num_classes: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, num_classes, (2, 9, 7))
    label.flat[:num_classes] = np.arange(num_classes)  # every class occurs
    scores = rng.random((2, num_classes, 9, 7)) + np.eye(num_classes)[label].transpose(0, 3, 1, 2)
    scores /= scores.sum(axis=1, keepdims=True)
    return (scores.round(1) / scores.round(1).sum(axis=1, keepdims=True) if ties else scores), label


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.booleans())
def test_scikit_learn_agrees(seed, num_classes, ties):
    skmetrics = pytest.importorskip("sklearn.metrics")
    scores, label = scores_and_label(seed, num_classes, ties=ties)
    table = scores.transpose(0, 2, 3, 1).reshape(-1, num_classes)
    theirs = (
        skmetrics.roc_auc_score(label.ravel(), table[:, 1])
        if num_classes == 2
        else skmetrics.roc_auc_score(label.ravel(), table, multi_class="ovr")
    )
    assert auc_roc(scores, label, num_classes) == pytest.approx(theirs, abs=1e-12)


def test_ignored_pixels_count_nowhere_and_absent_classes_are_left_out():
    scores, label = scores_and_label(0, 3, ties=False)
    ignored = label.copy()
    ignored[0] = 255
    assert auc_roc(scores, ignored, 3) == auc_roc(scores[1:], label[1:], 3)
    without = np.where(label == 2, 0, label)
    assert auc_roc(scores, without, 3) == pytest.approx(np.mean([area_of(scores, without, c) for c in (0, 1)]))
    assert auc_roc(scores, np.zeros_like(label), 3) is None


def area_of(scores: np.ndarray, label: np.ndarray, index: int) -> float | None:
    pair = np.stack([1 - scores[:, index], scores[:, index]], axis=1)
    return auc_roc(pair, (label == index).astype(int), 2)


def test_counts_are_merged():
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 9, (3, 2, 9)) for _ in range(3)]
    merged = RocCounts(np.zeros((3, 2, 9), np.int64))
    for part in parts:
        merged.add(RocCounts(part))
    whole = RocCounts(sum(parts))
    assert merged.class_areas == whole.class_areas
    assert merged.area == pytest.approx(np.mean(whole.class_areas))
    with pytest.raises(ConfigError, match="cannot merge"):
        merged.add(RocCounts(parts[0][:1]))


def test_both_of_two_classes_have_the_same_area():
    counts = np.zeros((1, 2, 9), np.int64)
    counts[0, 0, 3] = counts[0, 1, 4] = 5
    assert RocCounts(counts).class_areas == [1.0, 1.0]


def test_shapes_must_fit():
    scores, label = scores_and_label(0, 3, ties=False)
    for wrong in ((scores[:, :2], label, 3), (scores, label[:1], 3), (scores, label, 2)):
        with pytest.raises(DataError, match=r"the scores have the shape"):
            auc_roc(*wrong)
