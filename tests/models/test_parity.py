"""Every model against the numbers that PaddleSeg computed from the same weights and pictures; and the table of them."""

import math
from pathlib import Path

import numpy as np
import pytest
from toy_data import SHARED

from parity.__main__ import CASES as CASES_OF
from parity.__main__ import main
from parity.comparison import Comparison, Difference, absolute, missing_types, relative
from parity.models import cases
from parity.table import END, begin, row, section

CASES = cases(SHARED / "reference" / "models")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if not case.left_out], ids=str)
def test_r38_agrees_with_paddleseg(case):
    outcome = case.outcome()
    assert outcome.agrees, outcome.differences


@pytest.mark.usefixtures("shared")
def test_r38_no_family_is_left_out():
    families = ("bisenet", "lraspp", "ocrnet_hrnet", "mscale", "deeplab", "fcn_hrnet", "pspnet", "unet", "ann_")
    assert len(CASES) > 100
    uncovered = [
        case.name
        for case in CASES
        if case.left_out and case.name.startswith(families) and not case.name.startswith(("unet_3plus", "unet_plus"))
    ]
    assert not uncovered


def outcome(*differences: Difference, left_out: str = "", option: str = ""):
    return Comparison("case", lambda: list(differences), left_out, option).outcome()


GOOD, BAD = Difference("logits", 1e-5, 1e-4), Difference("loss", 2e-4, 1e-4)
MEANT = Difference("label", 3, 0, on_purpose="a fault")


@pytest.mark.parametrize(
    ("result", "verdict", "agrees", "failed"),
    [
        (outcome(GOOD), "same", True, False),
        (outcome(GOOD, option="as_paddleseg: true"), "same with `as_paddleseg: true`", True, False),
        (outcome(GOOD, MEANT), "differs on purpose: a fault", False, False),
        (outcome(BAD, MEANT), "DIFFERS", False, True),
        (outcome(Difference("loss", math.nan, 1e-4)), "DIFFERS", False, True),
        (outcome(left_out="there is no X yet"), "not compared: there is no X yet", False, False),
        (outcome(GOOD, left_out="there is no X yet"), "compared in part: there is no X yet", False, False),
        (outcome(BAD, left_out="there is no X yet"), "DIFFERS", False, True),
    ],
)
def test_a_case_is_judged_by_its_worst_number(result, verdict, agrees, failed):
    assert (result.verdict, result.agrees, result.failed) == (verdict, agrees, failed)


def test_a_row_names_the_number_nearest_to_its_limit():
    assert row(outcome(GOOD, BAD)) == "| case | 2.0e-04 | 1.0e-04 | loss | DIFFERS |"
    assert row(outcome(BAD, MEANT)) == "| case | 3.0e+00 | 0 | label | DIFFERS |"
    assert row(outcome(Difference("areas", 0, 0))) == "| case | 0 | 0 | all | same |"


def test_a_section_folds_what_is_the_same_or_not_there():
    text = section([outcome(GOOD), outcome(MEANT), outcome(left_out="there is no X yet")])
    assert text.startswith("1 of 3 cases agree with PaddleSeg; differs on purpose: 1; not compared: 1.\n")
    assert text.index("a fault") < text.index("<details>") < text.index("| same |") < text.index("no X yet")
    assert text.count("<details>") == 2


def test_distances():
    wanted = np.array([1.0, -4.0])
    assert absolute(np.array([1.5, -4.0]), wanted) == 0.5
    assert relative(np.array([1.5, -4.0]), wanted) == 0.125
    assert absolute(np.zeros(3), wanted) == math.inf
    assert absolute(np.array([0], np.uint8), np.array([255], np.uint8)) == 255


def test_missing_types_are_found_however_deep():
    block = {"type": "A", "losses": [{"type": "B"}, {"type": "C", "inner": {"type": "B"}}]}
    assert missing_types(block, {"A": 1}, {"B": 1, "C": 1}) == ""
    assert missing_types(block, {"A": 1}) == "there is no B and no C yet"


def test_the_command_prints_and_keeps_the_table_of_a_folder(shared, tmp_path, capsys):
    page = tmp_path / "parity.md"
    page.write_text(f"before\n{begin('schedules')}\nold\n{END}\nbetween\n{begin('losses')}\nold\n{END}\nafter\n")
    assert main(["schedules", "--reference", str(shared / "reference"), "--write", str(page)]) == 0
    assert "35 of 35 cases agree" in capsys.readouterr().out
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"between\n{begin('losses')}\nold\n{END}\nafter\n")
    assert "| poly_warmup |" in text
    assert text.count("old") == 1


def test_the_command_looks_at_single_cases(shared, capsys):
    assert main(["losses/ce", "models/unet", "--reference", str(shared / "reference")]) == 0
    printed = capsys.readouterr().out
    assert "| ce |" in printed
    assert "| unet |" in printed
    assert printed.count("1 of 1 cases agree") == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["loses"], "there is no folder loses"),
        (["losses/ceee"], "no recording losses/ceee"),
        (["losses/ce", "--write", str(ROOT / "README.md")], "--write takes whole folders"),
        (["losses", "--write", str(ROOT / "README.md")], "a page with the line <!-- table: python -m parity losses"),
    ],
)
def test_the_command_says_what_it_does_not_have(shared, capsys, arguments, complaint):
    with pytest.raises(SystemExit):
        main([*arguments, "--reference", str(shared / "reference")])
    assert complaint in capsys.readouterr().err


def test_the_page_has_a_place_for_every_folder():
    page = (ROOT / "docs" / "parity.md").read_text()
    assert all(begin(folder) in page for folder in CASES_OF)
    assert page.count(END) == len(CASES_OF)
