"""Expected calibration error and the bins behind it."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from segwright.errors import ConfigError
from segwright.metrics.calibration import BINS, LEVELS, CalibrationCounts


def counts_of(confidence: np.ndarray, right: np.ndarray) -> CalibrationCounts:
    counts = np.zeros((2, LEVELS), np.int64)
    np.add.at(counts, (right.astype(int), np.ceil(confidence * LEVELS).astype(int) - 1), 1)
    return CalibrationCounts(counts)


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1.5, 5000)
    return confidence, rng.random(5000) < confidence**2


@pytest.mark.parametrize("bins", [5, 10, BINS])
def test_bins_are_those_of_scikit_learn(cases, bins):
    confidence, right = cases
    found = [one for one in counts_of(confidence, right).bins(bins) if one.pixels]
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    np.testing.assert_allclose([one.accuracy for one in found], accuracy, rtol=0, atol=1e-12)
    np.testing.assert_allclose([one.confidence for one in found], mean, rtol=0, atol=1 / LEVELS)


def test_the_expected_error_is_the_mean_gap_weighted_by_pixels(cases):
    confidence, right = cases
    index = np.ceil(confidence * BINS).astype(int) - 1
    gaps = [
        np.abs(right[index == place].mean() - confidence[index == place].mean()) * (index == place).mean()
        for place in np.unique(index)
    ]
    assert counts_of(confidence, right).expected_error() == pytest.approx(sum(gaps), abs=1 / LEVELS)


def test_counts_add_up_and_nothing_has_no_error(cases):
    confidence, right = cases
    halves = [counts_of(confidence[part], right[part]) for part in (np.s_[:2000], np.s_[2000:])]
    halves[0].add(halves[1])
    assert halves[0].bins() == counts_of(confidence, right).bins()
    nothing = CalibrationCounts(np.zeros((2, LEVELS), np.int64))
    assert nothing.expected_error() is None
    assert {one.confidence for one in nothing.bins()} == {None}


def test_levels_that_cannot_be_divided_into_the_bins_are_an_error():
    with pytest.raises(ConfigError, match="cannot be divided into 7 bins"):
        CalibrationCounts(np.zeros((2, LEVELS), np.int64)).bins(7)
