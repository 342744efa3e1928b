"""Exact counts, and scores that follow from them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright import metrics
from segwright.errors import ConfigError, DataError
from segwright.metrics import ConfusionMatrix

KEYS = {"mIoU", "Acc", "Kappa", "mDice", "class_iou", "class_dice", "class_precision", "class_recall"}


def count_slowly(pred, label, num_classes, ignore_index):
    """The areas by their definition, pixel by pixel."""
    intersect, pred_area, label_area = ([0] * num_classes for _ in range(3))
    for p, q in zip(pred.ravel().tolist(), label.ravel().tolist(), strict=True):
        if 0 <= q < num_classes:
            label_area[q] += 1
        if q != ignore_index:
            pred_area[p] += 1
            intersect[p] += p == q
    return intersect, pred_area, label_area


@st.composite
def pairs(draw):
    num_classes = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from([(0,), (7,), (5, 6), (2, 3, 4)]))
    dtype = draw(st.sampled_from([np.uint8, np.int32, np.int64]))
    labels = [*range(num_classes), 7, 200, 255]
    if dtype != np.uint8:
        labels += [-1, 70_000]
    pred = rng.integers(0, num_classes, shape).astype(dtype)
    label = rng.choice(labels, shape).astype(dtype)
    return pred, label, num_classes, draw(st.sampled_from([0, 7, 255]))


@settings(deadline=None)
@given(pairs())
def test_areas_follow_their_definition(case):
    pred, label, num_classes, ignore_index = case
    matrix = ConfusionMatrix(num_classes, ignore_index)
    matrix.update(pred, label)
    areas = [area.tolist() for area in (matrix.intersect_area, matrix.pred_area, matrix.label_area)]
    assert areas == list(map(list, count_slowly(*case)))


@settings(deadline=None)
@given(pairs(), st.sampled_from(["one", "zero", "skip"]))
def test_scores_follow_their_definition(case, absent):
    pred, label, num_classes, ignore_index = case
    intersect, pred_area, label_area = count_slowly(*case)
    scores = metrics.scores(pred, label, num_classes, ignore_index, absent)
    assert set(scores) == KEYS
    for index in range(num_classes):
        i, p, q = intersect[index], pred_area[index], label_area[index]
        gone = {"one": 1.0, "zero": 0.0, "skip": None}[absent]
        assert scores["class_iou"][index] == (pytest.approx(i / (p + q - i)) if p + q else gone)
        rest = None if absent == "skip" else 0
        assert scores["class_dice"][index] == (pytest.approx(2 * i / (p + q)) if p + q else rest)
        assert scores["class_precision"][index] == (pytest.approx(i / p) if p else 0 if q else rest)
        assert scores["class_recall"][index] == (pytest.approx(i / q) if q else 0 if p else rest)
    defined = [iou for iou in scores["class_iou"] if iou is not None]
    assert scores["mIoU"] == (pytest.approx(sum(defined) / len(defined)) if defined else None)
    assert scores["Acc"] == (pytest.approx(sum(intersect) / sum(pred_area)) if sum(pred_area) else None)
    json.dumps(scores, allow_nan=False)


@settings(deadline=None)
@given(pairs(), st.integers(0, 30))
def test_pieces_add_up_to_the_whole(case, at):
    pred, label, num_classes, ignore_index = case
    whole, first, second = (ConfusionMatrix(num_classes, ignore_index) for _ in range(3))
    whole.update(pred, label)
    first.update(pred.ravel()[:at], label.ravel()[:at])
    second.update(pred.ravel()[at:], label.ravel()[at:])
    np.testing.assert_array_equal((first + second).counts, whole.counts)
    first.add(second)
    np.testing.assert_array_equal(first.counts, whole.counts)


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(deadline=None, max_examples=30)
@given(pairs())
def test_scikit_learn_agrees(case):
    skmetrics = pytest.importorskip("sklearn.metrics")
    pred, label, num_classes, _ = case
    valid = label.ravel() < num_classes
    valid &= label.ravel() >= 0
    pred, label = pred.ravel()[valid], label.ravel()[valid]
    classes = list(range(num_classes))
    matrix = ConfusionMatrix(num_classes)
    matrix.update(pred, label)
    if not label.size:
        return
    np.testing.assert_array_equal(matrix.counts[:-1], skmetrics.confusion_matrix(label, pred, labels=classes))
    ours = matrix.scores("zero")
    options = {"labels": classes, "average": None, "zero_division": 0}
    assert ours["class_iou"] == pytest.approx(skmetrics.jaccard_score(label, pred, **options))
    assert ours["class_dice"] == pytest.approx(skmetrics.f1_score(label, pred, **options))
    assert ours["class_precision"] == pytest.approx(skmetrics.precision_score(label, pred, **options))
    assert ours["class_recall"] == pytest.approx(skmetrics.recall_score(label, pred, **options))
    assert ours["Acc"] == pytest.approx(skmetrics.accuracy_score(label, pred))
    if ours["Kappa"] is not None:
        assert ours["Kappa"] == pytest.approx(skmetrics.cohen_kappa_score(label, pred, labels=classes))


def test_bytes_and_wide_integers_count_alike():
    rng = np.random.default_rng(0)
    pred = rng.integers(0, 19, (1200, 1000), dtype=np.uint8)  # more than one chunk
    label = rng.choice(np.array([*range(21), 255], np.uint8), pred.shape)
    narrow, wide = ConfusionMatrix(19), ConfusionMatrix(19)
    narrow.update(pred, label)
    wide.update(pred.astype(np.int64), label.astype(np.int64))
    np.testing.assert_array_equal(narrow.counts, wide.counts)
    assert narrow.counts.sum() == (label != 255).sum()


def test_more_classes_than_a_byte_holds():
    pred, label = np.array([0, 300, 299]), np.array([0, 300, 298])
    assert metrics.scores(pred, label, 301)["Acc"] == pytest.approx(2 / 3)
    small = np.array([0, 250, 255], np.uint8)
    assert metrics.scores(small, small, 301, ignore_index=-1)["Acc"] == 1
    assert metrics.scores(small, small, 256, ignore_index=-1)["Acc"] == 1


def test_r53_counts_beyond_two_to_the_31_stay_exact():
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([0, 1, 1]), np.array([0, 0, 1]))
    for _ in range(40):
        matrix.add(matrix)
    assert matrix.counts.tolist() == [[2**40, 2**40], [0, 2**40], [0, 0]]
    matrix.update(np.array([0]), np.array([0]))
    assert matrix.intersect_area.tolist() == [2**40 + 1, 2**40]
    assert matrix.scores()["Kappa"] == pytest.approx(0.4)
    assert matrix.scores()["class_iou"] == pytest.approx([0.5, 0.5])


def test_r14_all_ignored_gives_no_nan():
    scores = metrics.scores(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8), 3)
    assert scores["mIoU"] == 1
    assert scores["Acc"] is None
    assert scores["Kappa"] is None
    assert metrics.scores(np.zeros(4, np.uint8), np.full(4, 255, np.uint8), 3, absent="skip")["mIoU"] is None


def test_r15_absent_class_under_each_convention():
    matrix = ConfusionMatrix(4)
    matrix.update(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert matrix.absent_classes == [2, 3]
    ious = [1 / 2, 2 / 3]
    assert matrix.mean_iou_by_convention() == pytest.approx(
        {"one": (sum(ious) + 2) / 4, "zero": sum(ious) / 4, "skip": sum(ious) / 2}
    )
    assert matrix.scores("skip")["class_iou"] == pytest.approx([*ious, None, None])


def test_kappa_without_disagreement_to_expect_is_undefined():
    ones = np.ones((3, 3), np.uint8)
    scores = metrics.scores(ones, ones, 2)
    assert scores["Kappa"] is None
    assert scores["Acc"] == 1


def test_lists_are_accepted_by_the_short_form():
    assert metrics.scores([[0, 1]], [[0, 1]], num_classes=2)["mIoU"] == 1


def test_r13_predictions_outside_the_classes_are_listed_and_not_counted():
    for dtype in (np.uint8, np.int64):
        matrix = ConfusionMatrix(3)
        with pytest.raises(DataError, match=r"holds 7, 9, but 3 classes have ids 0\.\.2"):
            matrix.update(np.array([0, 9, 7], dtype), np.array([0, 0, 0], dtype))
        assert not matrix.counts.any()
    with pytest.raises(DataError, match="holds -1"):
        metrics.scores(np.array([-1]), np.array([0]), 3)


def test_shapes_and_types_must_fit():
    matrix = ConfusionMatrix(3)
    with pytest.raises(DataError, match=r"\(2, 3\), the label \(3, 2\)"):
        matrix.update(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
    with pytest.raises(DataError, match="prediction holds float32"):
        matrix.update(np.zeros(3, np.float32), np.zeros(3, np.uint8))


def test_wrong_arguments_are_explained():
    with pytest.raises(ConfigError, match="num_classes"):
        ConfusionMatrix(0)
    with pytest.raises(ConfigError, match="did you mean 'zero'"):
        ConfusionMatrix(2).scores("zeros")
    with pytest.raises(ConfigError, match="cannot merge counts of 2 classes"):
        ConfusionMatrix(2).add(ConfusionMatrix(3))
