"""Every model against the numbers that PaddleSeg computed from the same weights and pictures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHARED

from parity.__main__ import BEGIN, covered
from parity.compare import Difference, compare
from parity.recipe import Case

RECORDINGS = SHARED / "reference" / "models"
ROOT = Path(__file__).parents[2]


def recordings() -> list[str]:
    return [path.stem for path in sorted(RECORDINGS.glob("*.json")) if covered(path)]


@pytest.mark.slow
@pytest.mark.parametrize("name", recordings())
def test_r38_agrees_with_paddleseg(shared, name):
    differences = compare(Case.read(shared / "reference" / "models" / name))
    assert all(difference.ok for difference in differences), differences


def test_r38_no_family_is_left_out(shared):
    families = ("bisenet", "lraspp", "ocrnet_hrnet", "mscale", "deeplab", "fcn_hrnet", "pspnet", "unet", "ann_")
    there = [path.stem for path in (shared / "reference" / "models").glob("*.json")]
    assert len(there) > 100
    uncovered = [
        name
        for name in there
        if name.startswith(families) and name not in recordings() and not name.startswith(("unet_3plus", "unet_plus"))
    ]
    assert not uncovered


def test_a_difference_is_judged_by_its_tolerance():
    assert Difference("logits", 1e-5, 1e-4).ok
    assert not Difference("logits", 2e-4, 1e-4).ok


def test_the_command_prints_and_keeps_the_table(shared, tmp_path):
    page = tmp_path / "parity.md"
    page.write_text(f"before\n{BEGIN}\nold\n<!-- end of table -->\nafter\n")
    command = [sys.executable, "-m", "parity", "unet", "--write", str(page)]
    environment = {**os.environ, "SEGWRIGHT_SHARED": str(shared)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 cases agree" in done.stdout
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| unet |" in text
    assert "old" not in text
