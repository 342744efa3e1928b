"""The ledger: plain data about everything that a run's numbers depend on."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch

import segwright
from segwright.datasets.digest import Content, DataDigest, write_listing
from segwright.engine import ledger
from segwright.engine.ledger import data_changes, facts

DATA = {"train": DataDigest((Content("a.png", "1", "a_label.png", "2"), Content("b.png", "3", "b_label.png", "4")))}


@pytest.fixture
def found() -> dict:
    settings = {"seed": 3, "iters": 8, "config": {"model": {"type": "ToyNet"}}}
    return facts(settings=settings, config={"iters": 8}, device=torch.device("cpu"), data=DATA, num_processes=2)


def test_the_ledger_is_plain_data_and_holds_what_numbers_depend_on(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["settings"]["seed"] == 3
    assert found["config"] == {"iters": 8}
    assert found["data"] == {"train": {"digest": DATA["train"].value, "pairs": 2}}
    assert found["packages"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert {"python", "numpy", "opencv", "accelerate"} <= found["packages"].keys()
    assert found["devices"]["processes"] == 2
    assert found["devices"]["threads"] == torch.get_num_threads()
    assert found["host"]["cores"] >= 1
    assert found["command"]
    assert found["started"].endswith("+00:00")


def test_variables_that_change_arithmetic_are_recorded_and_others_are_not(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    recorded = facts(settings={}, config=None, device=torch.device("cpu"), data={})["environment"]
    assert recorded["OMP_NUM_THREADS"] == "3"
    assert "SECRET_TOKEN" not in recorded


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A repository with a package in it that the ledger takes for ours."""
    package = tmp_path / "src/segwright"
    (package / "engine").mkdir(parents=True)
    (package / "version.py").write_text("")
    git(tmp_path, "init", "-q")
    monkeypatch.setattr(ledger, "__file__", str(package / "engine/ledger.py"))
    monkeypatch.setitem(os.environ, "GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return package


def test_the_commit_of_a_checkout_is_recorded_and_whether_files_changed_since(checkout):
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "all")
    clean = ledger._code()
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (checkout / "version.py").write_text("x = 1\n")
    changed = ledger._code()
    assert changed["commit"] == clean["commit"]
    assert changed["dirty"] is True
    assert changed["source"] != clean["source"]


def test_the_commit_of_a_project_that_only_has_us_installed_is_not_taken_for_ours(checkout):
    (checkout / "mine.txt").write_text("")
    git(checkout, "add", "mine.txt")
    git(checkout, "commit", "-qm", "mine")
    code = ledger._code()
    assert code["commit"] is None
    assert code["dirty"] is None
    assert code["version"] == segwright.__version__


@pytest.mark.usefixtures("checkout")
def test_without_git_the_source_files_still_tell(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert ledger._code()["commit"] is None
    assert len(ledger._code()["source"]) == 12


def test_r46_data_that_changed_since_a_checkpoint_are_named(found, tmp_path):
    recorded = found["data"]
    assert data_changes(tmp_path, recorded, DATA) == []
    first, second = DATA["train"].contents
    now = {"train": DataDigest((first, second._replace(label_digest="5"))), "val": DataDigest((first,))}
    assert data_changes(tmp_path, recorded, now) == [
        f"train data: 2 pairs then, 2 now; {tmp_path} does not list the files as they were"
    ]
    write_listing(tmp_path, DATA["train"])
    assert data_changes(tmp_path, recorded, now) == ["train data: the label map changed: b_label.png"]
