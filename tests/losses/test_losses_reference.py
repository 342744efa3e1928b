"""Losses against PaddleSeg's values and gradients."""

import json

import pytest
from toy_data import SHARED

from parity.losses import ON_PURPOSE, OPTIONS, cases
from segwright.registry import LOSSES

FOLDER = SHARED / "reference" / "losses"
CASES = cases(FOLDER)


@pytest.mark.parametrize("case", [case for case in CASES if not case.left_out], ids=str)
def test_value_and_gradients_equal_paddleseg(case):
    outcome = case.outcome()
    assert outcome.agrees or outcome.reasons, outcome.differences


@pytest.mark.usefixtures("shared")
def test_no_case_is_left_out_without_a_reason():
    assert len(CASES) > 100
    assert {case.left_out for case in CASES} <= {"", "there is no MaskFormerLoss yet"}
    assert {*ON_PURPOSE, *OPTIONS} <= {case.name for case in CASES}


@pytest.mark.usefixtures("shared")
def test_every_loss_has_a_case():
    with_case = {json.loads(path.read_text())["config"]["type"] for path in FOLDER.glob("*.json")}
    assert set(LOSSES) <= with_case
