"""What a run writes down: JSON and CSV, whole lines only, whatever happens to the run and the disk."""

import csv
import json
import resource
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.engine.growing_file import GrowingFile
from segwright.engine.runlog import EVAL_COLUMNS, TRAIN_COLUMNS, RunLog, class_titles, evaluation_curves
from segwright.errors import TrainingError

SCORES = {"images": 4, "mIoU": 0.5, "Acc": 0.9, "Kappa": 0.4, "mDice": 0.6, "class_iou": [0.75, 0.25], "loss": 1.5}


@contextmanager
def files_no_larger_than(size: int):
    """A disk that is full: a file takes bytes up to this size and then refuses, as the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def iterations(path) -> list[int]:
    return [json.loads(line)["iter"] for line in path.read_text().splitlines()]


def test_every_record_is_in_the_json_and_in_a_table_with_stable_columns(tmp_path):
    records = RunLog(tmp_path, 0, class_titles(2, ["sky", "road"]))
    records.add("train", 10, epoch=1, loss=2.5, lr=0.01, parts=[2.0, 0.5])
    records.add("eval", 10, **SCORES)
    (train,), (evaluation,) = rows(tmp_path / "log.csv"), rows(tmp_path / "eval.csv")
    assert tuple(train) == TRAIN_COLUMNS
    assert (train["iter"], train["loss"], train["grad_norm"]) == ("10", "2.5", "")
    assert tuple(evaluation) == (*EVAL_COLUMNS, "IoU 0 sky", "IoU 1 road")
    assert (evaluation["mIoU"], evaluation["IoU 1 road"], evaluation["loss"]) == ("0.5", "0.25", "1.5")
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert first == {"event": "train", "iter": 10, "epoch": 1, "loss": 2.5, "lr": 0.01, "parts": [2.0, 0.5]}


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    RunLog(tmp_path, 0).add("train", 1, loss=float("nan"), grad_norm=float("inf"), parts=[float("nan"), 1.0])
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail) == {
        "event": "train",
        "iter": 1,
        "loss": None,
        "grad_norm": None,
        "parts": [None, 1.0],
    }


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 60), start=st.integers(0, 5))
def test_r46_a_resumed_run_keeps_what_came_before_it_and_mends_the_line_that_a_killed_one_has_cut(
    tmp_path_factory, cut, start
):
    folder = tmp_path_factory.mktemp("run")
    records = RunLog(folder, 0)
    for iteration in range(1, 6):
        records.add("train", iteration, loss=0.5)
    content = (folder / "log.jsonl").read_bytes()
    (folder / "log.jsonl").write_bytes(content[: len(content) - cut])
    (folder / "log.csv").write_text("iter,ep")
    whole = iterations_in(content[: len(content) - cut])
    resumed = RunLog(folder, start)
    resumed.add("train", start + 1, loss=0.25)
    wanted = [iteration for iteration in whole if iteration <= start] + [start + 1]
    assert iterations(folder / "log.jsonl") == wanted
    assert [int(row["iter"]) for row in rows(folder / "log.csv")] == wanted


def iterations_in(content: bytes) -> list[int]:
    found = []
    for line in content.decode().splitlines():
        try:
            found.append(json.loads(line)["iter"])
        except ValueError:
            break
    return found


def test_r41_a_full_disk_warns_once_leaves_no_half_lines_and_loses_none(tmp_path, caplog):
    caplog.set_level("INFO", logger="segwright")
    path = tmp_path / "log.jsonl"
    file = GrowingFile(path)
    lines = [f"{number} {'x' * 20_000}\n" for number in range(6)]
    with files_no_larger_than(50_000):
        for line in lines[:5]:
            file.add(line)
        assert path.read_text() == "".join(lines[:2])
    file.add(lines[5])
    assert path.read_text() == "".join(lines)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "cannot be written (No space left on device). The run goes on" in caplog.text


def test_r41_a_disk_that_is_full_from_the_start_ends_the_run_cleanly(tmp_path):
    RunLog(tmp_path, 0).add("train", 1, loss=0.5)
    with files_no_larger_than(10), pytest.raises(TrainingError, match=r"File too large.*make room"):
        RunLog(tmp_path, 1)
    assert iterations(tmp_path / "log.jsonl") == [1]


def test_a_folder_that_goes_away_and_comes_back_is_caught_up_with(tmp_path):
    folder = tmp_path / "run"
    file = GrowingFile(folder / "log.jsonl", ["1\n"])
    folder.rename(tmp_path / "away")
    file.add("2\n")
    (tmp_path / "away").rename(folder)
    file.add("3\n")
    assert (folder / "log.jsonl").read_text() == "1\n2\n3\n"


def test_curves_of_an_evaluation_have_the_names_of_the_classes():
    classes = class_titles(2, ["sky", "road"])
    assert evaluation_curves({**SCORES, "Kappa": None}, classes) == {
        "Evaluate/loss": 1.5,
        "Evaluate/mIoU": 0.5,
        "Evaluate/Acc": 0.9,
        "Evaluate/mDice": 0.6,
        "IoU/0 sky": 0.75,
        "IoU/1 road": 0.25,
    }


def test_titles_of_classes_are_different_and_sorted_like_the_classes():
    titles = class_titles(12, ["other"] * 12)
    assert titles == sorted(set(titles))
    assert class_titles(3) == ["0", "1", "2"]
