"""``segwright why`` as it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from segwright.cli import why_tables
from segwright.cli.main import main
from segwright.cli.why_tables import spell


def write(folder: Path, **settings) -> Path:
    """A run of three iterations and 30 classes, as older versions left it."""
    score = settings.get("momentum", 0.5)
    rows = [{"event": "train", "iter": n, "loss": score / n} for n in (1, 2, 3)]
    rows.append({"event": "eval", "iter": 3, "mIoU": score, "class_iou": [score / (n + 1) for n in range(30)]})
    (folder / "iter_3").mkdir(parents=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    state = {"iteration": 3, "settings": {"config": {"optimizer": {"type": "SGD", **settings}}}}
    (folder / "iter_3/state.json").write_text(json.dumps(state))
    return folder


@pytest.fixture
def runs(tmp_path) -> tuple[str, str]:
    return str(write(tmp_path / "a", momentum=0.9)), str(write(tmp_path / "b", momentum=0.8, use_nesterov=True))


@pytest.mark.parametrize("width", [60, 100, 200])
def test_tables_fit_the_terminal_and_never_exceed_100_columns(runs, monkeypatch, capsys, width):
    monkeypatch.setattr(why_tables, "get_console", lambda: Console(width=width))
    assert main(["why", *runs]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= max(width, 100)
    assert "The runs differ in 2 settings" in out
    assert "5 more differ" in out


def test_a_terminal_without_unicode_gets_no_bars(runs):
    command = [sys.executable, "-m", "segwright", "why", *runs]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "70"}
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, env=environment)
    assert "mIoU" in done.stdout.decode("ascii")


def test_json_holds_everything(runs, tmp_path):
    file = tmp_path / "new/why.json"
    assert main(["why", *runs, "--json", str(file)]) == 0
    data = json.loads(file.read_text())
    assert data["a"] == {"path": runs[0], "iteration": 3}
    assert [(row["key"], row["a"], row["b"], row["only"]) for row in data["settings"]] == [
        ("momentum", 0.9, 0.8, ""),
        ("use_nesterov", None, True, "B"),
    ]
    assert data["curves"]["first"] == {"iteration": 1, "a": 0.9, "b": 0.8}
    assert len(data["classes"]) == 30


def test_a_folder_that_is_no_run_ends_with_one_paragraph(runs, tmp_path):
    command = [sys.executable, "-m", "segwright", "why", runs[0], str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"segwright: error: {tmp_path} holds nothing of a run")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1, "1"),
        (1e-05, "1e-05"),
        (None, "null"),
        ([1, [2, None]], "[1, [2, null]]"),
        ({"type": "Crop", "size": [4, 4]}, "Crop(size=[4, 4])"),
        ({"type": "Crop"}, "Crop"),
        ({"a": 1}, "(a=1)"),
    ],
)
def test_values_are_spelled_as_in_a_configuration(value, text):
    assert spell(value) == text
