"""Data sets without a fault, copies of them to be spoiled, and the command."""

import json
import shutil
from pathlib import Path

import pytest
from scenes import write_scenes

from segwright.cli.main import main


@pytest.fixture(scope="session")
def clean(tmp_path_factory) -> dict[int, Path]:
    """Data sets without a fault, by number of classes. Do not write into them."""
    return {number: write_scenes(tmp_path_factory.mktemp(f"clean{number}"), number) for number in (2, 3)}


@pytest.fixture
def copy_of(clean, tmp_path):
    """Copies one of them, to be spoiled."""

    def copy(num_classes: int) -> Path:
        root = shutil.copytree(clean[num_classes], tmp_path / "data")
        config = root / "toy.yml"
        config.write_text(config.read_text().replace(str(clean[num_classes]), str(root)))
        return root

    return copy


@pytest.fixture
def doctor(tmp_path, capsys):
    """Runs the command in this process; returns exit code and findings by kind."""

    def run(config: Path, *flags: object) -> tuple[int, dict[str, dict]]:
        file = tmp_path / "findings.json"
        fixed = ["--num_workers", "0", "--sample", "100", "--json", str(file)]  # all pairs; nothing is timed
        code = main(["doctor", str(config), *fixed, *map(str, flags)])
        capsys.readouterr()
        return code, {finding["kind"]: finding for finding in json.loads(file.read_text())["findings"]}

    return run
