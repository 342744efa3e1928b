"""Intervals are those of scores over pictures drawn again."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError, DataError
from segwright.metrics import bootstrap
from segwright.metrics.areas import scores_of_areas


def pictures(count: int, num_classes: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    right = rng.integers(10, 1000, (count, num_classes))
    return np.stack(
        [right, right + rng.integers(0, 500, right.shape), right + rng.integers(0, 500, right.shape)], axis=1
    )


def slowly(areas: np.ndarray, resamples: int, seed: int) -> dict[str, list[float]]:
    """The definition: draw, add up, score; again and again."""
    draws = np.random.default_rng(seed).integers(len(areas), size=(resamples, len(areas)))
    scores = [scores_of_areas(*areas[draw].sum(axis=0)) for draw in draws]
    return {key: np.quantile([score[key] for score in scores], [0.025, 0.975]).tolist() for key in ("mIoU", "Acc")}


@given(count=st.integers(2, 30), resamples=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_intervals_follow_their_definition(count, resamples, seed):
    areas = pictures(count, seed=seed)
    found = bootstrap(areas, resamples=resamples, seed=seed)
    expected = slowly(areas, resamples, seed)
    assert found["mIoU"] == pytest.approx(expected["mIoU"], abs=1e-12)
    assert found["Acc"] == pytest.approx(expected["Acc"], abs=1e-12)
    assert (found["resamples"], found["seed"], found["level"]) == (resamples, seed, 0.95)
    json.dumps(found, allow_nan=False)


def test_an_interval_of_accuracy_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    areas = pictures(60)
    right, judged = areas[:, 0].sum(axis=1), areas[:, 1].sum(axis=1)

    def accuracy(right, judged, axis):
        return right.sum(axis=axis) / judged.sum(axis=axis)

    theirs = stats.bootstrap(
        (right, judged), accuracy, paired=True, vectorized=True, method="percentile", n_resamples=5000, rng=1
    ).confidence_interval
    assert bootstrap(areas, resamples=5000)["Acc"] == pytest.approx([theirs.low, theirs.high], abs=5e-4)


def test_the_seed_decides_and_memory_does_not(monkeypatch):
    areas = pictures(40)
    whole = bootstrap(areas, seed=3)
    assert bootstrap(areas, seed=4)["mIoU"] != whole["mIoU"]
    monkeypatch.setattr("segwright.metrics.confidence.CHUNK", 100)
    assert bootstrap(areas, seed=3) == whole


def test_pictures_that_are_all_alike_leave_no_doubt():
    areas = np.repeat(pictures(1), 9, axis=0)
    found = bootstrap(areas, resamples=20)
    scores = scores_of_areas(*areas.sum(axis=0))
    assert found["mIoU"] == pytest.approx([scores["mIoU"]] * 2)
    assert found["class_iou"][2] == pytest.approx([scores["class_iou"][2]] * 2)


def test_a_class_that_few_pictures_or_none_have():
    areas = pictures(5)
    areas[:, :, 3] = 0
    areas[1:, :, 2] = 0
    found = {rule: bootstrap(areas, absent=rule, resamples=200) for rule in ("one", "zero", "skip")}
    alone = scores_of_areas(*areas[0])["class_iou"][2]
    assert found["one"]["class_iou"][3] is None
    assert found["one"]["class_iou"][2] == pytest.approx([alone, alone])  # resamples without it are left out
    assert found["one"]["mIoU"][0] > found["skip"]["mIoU"][0] > found["zero"]["mIoU"][0]


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(DataError, match="there is one picture: leave out --bootstrap"):
        bootstrap(pictures(1))
    with pytest.raises(ConfigError, match="unknown convention 'two'"):
        bootstrap(pictures(3), absent="two")


def test_pictures_without_judged_pixels_have_no_intervals():
    found = bootstrap(np.zeros((3, 3, 2), np.int64), absent="skip")
    assert (found["mIoU"], found["Acc"], found["class_iou"]) == (None, None, [None, None])
