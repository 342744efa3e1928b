"""PaddleSeg's areas and scores of the same predictions."""

import pytest
from toy_data import SHARED

from parity.metrics import cases


@pytest.mark.parametrize("case", cases(SHARED / "reference" / "metrics"), ids=str)
def test_areas_and_scores_match_the_reference(case):
    outcome = case.outcome()
    assert outcome.agrees, outcome.differences
