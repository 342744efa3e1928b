"""What PaddleSeg makes of its own configuration files."""

import pytest
from toy_data import SHARED

from parity.configs import cases

CASES = cases(SHARED / "reference" / "configs")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_files_are_merged_and_completed_as_paddleseg_does(case):
    outcome = case.outcome()
    assert outcome.differences
    assert not outcome.failed, outcome.differences


@pytest.mark.usefixtures("shared")
def test_files_whose_types_are_all_here_are_completed():
    assert sum(not case.left_out for case in CASES) >= 5
