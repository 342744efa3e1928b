"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SEGWRIGHT_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with PaddleSeg's reference numbers and real pictures."""
    if not (SHARED / "reference").is_dir():
        pytest.skip(f"no reference data at {SHARED}; set SEGWRIGHT_SHARED to its folder")
    return SHARED
