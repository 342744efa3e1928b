"""The one command that compares everything that runs exports with the trained model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cpp_build import ENVIRONMENT, built
from toy_data import SHARED, TOY_CONFIG

from benchmarks.targets.browser import Browser
from benchmarks.targets.rows import TARGETS
from benchmarks.targets.target import UnavailableError
from benchmarks.worker import ROOT
from segwright.cli.main import main as segwright

CAMVID = """
val_dataset:
  type: Dataset
  dataset_root: {root}
  val_path: {root}/val30.txt
  num_classes: 11
  transforms:
    - {{type: Resize, target_size: [240, 192]}}
    - type: Normalize
model: {{type: BiSeNetV2, num_classes: 11}}
"""


@pytest.fixture
def trained(toy_data, tmp_path) -> tuple[Path, Path, Path]:
    """Configuration, weights and pictures: trained on CamVid where that is here, else for seconds on toy data."""
    config = tmp_path / "config.yml"
    if (SHARED / "reference").is_dir():
        root = SHARED / "reference" / "end_to_end"
        config.write_text(CAMVID.format(root=root), encoding="utf-8")
        return config, root / "bisenetv2_camvid" / "model.pdparams", SHARED / "data" / "camvid" / "images"
    config.write_text(TOY_CONFIG.format(root=toy_data, model="BiSeNetV2", coef="[1, 1, 1, 1, 1]"), encoding="utf-8")
    flags = ["--iters", "40", "--num_workers", "0", "--save_dir", str(tmp_path / "run")]
    assert segwright(["train", "--config", str(config), *flags]) == 0
    return config, tmp_path / "run" / "iter_40", toy_data / "images"


@pytest.mark.slow
def test_r63_one_command_finds_every_target_in_agreement_with_the_trained_model(trained, tmp_path):
    document = tmp_path / "table.md"
    document.write_text("<!-- begin everywhere -->\n<!-- end everywhere -->\n", encoding="utf-8")
    config, weights, pictures = trained
    way = ["--config", config, "--model_path", weights, "--data", pictures]
    out = ["--document", document, "--json", tmp_path / "table.json"]
    quick = ["--rounds", "1", "--threads", "1", "--fixed"]
    command = [sys.executable, "-m", "benchmarks.everywhere", *way, *out, *quick]
    missing = set()
    try:
        command += ["--cpp_program", built()]
    except UnavailableError:
        missing.add("cpp")
    try:
        Browser.require()
    except UnavailableError:
        missing.add("web")
    done = subprocess.run(
        [*command, *([] if missing else ["--require"])], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["target"]: row for row in json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))["rows"]}
    assert list(rows) == list(TARGETS)
    assert {name for name, row in rows.items() if row["missing"]} == missing
    ran = [row for name, row in rows.items() if name not in missing]
    pixels = {row["agreement"]["pixels"] for row in ran}
    assert len(pixels) == 1
    assert all(row["agreement"]["different"] <= 1e-4 * min(pixels) for row in ran)
    assert all(row["start"] > 0 and row["milliseconds"] > 0 and row["size"].endswith(" MB") for row in ran)
    assert [line.split(" | ")[0] for line in document.read_text(encoding="utf-8").splitlines() if "MB" in line] == [
        f"| {TARGETS[row['target']].title}" for row in ran
    ]
