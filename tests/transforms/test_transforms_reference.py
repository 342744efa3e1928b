"""PaddleSeg's outputs for the same transforms and the same draws (PaddleSeg d7975e7, OpenCV 4.10, Pillow 13)."""

import pytest
from toy_data import SHARED

from parity.transforms import cases

CASES = cases(SHARED / "reference" / "transforms")


@pytest.mark.parametrize("case", [case for case in CASES if not case.left_out], ids=str)
def test_outputs_match_the_reference(case):
    outcome = case.outcome()
    assert outcome.agrees or outcome.reasons, outcome.differences


@pytest.mark.usefixtures("shared")
def test_no_case_is_left_out():
    """But a function of PaddleSeg's that none of its transforms calls."""
    left_out = [case.name for case in CASES if case.left_out]
    assert len(CASES) > 250
    assert all(name.startswith("functional/rotate/") for name in left_out), left_out
