import json

import pytest

from segwright.errors import DataError
from segwright.report import read_log


def write(path, *records, tail=""):
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    return path


def test_train_and_eval_records_are_told_apart(tmp_path):
    log = read_log(
        write(
            tmp_path / "log.jsonl",
            {"event": "start", "iter": 0},
            {"event": "train", "iter": 10, "loss": 2.5},
            {"event": "eval", "iter": 10, "mIoU": 0.5},
            {"event": "train", "iter": 20, "loss": 1.5},
        )
    )
    assert [record["loss"] for record in log.train] == [2.5, 1.5]
    assert [record["mIoU"] for record in log.evals] == [0.5]


@pytest.mark.parametrize("tail", ['{"event": "train", "it', "{", '{"event": "train"', "\n\n"])
def test_a_cut_last_line_is_passed_over(tmp_path, tail):
    log = read_log(write(tmp_path / "log.jsonl", {"event": "train", "iter": 10, "loss": 2.5}, tail=tail))
    assert len(log.train) == 1


def test_what_a_resumed_run_repeats_counts_once_and_in_order(tmp_path):
    records = [
        {"event": "train", "iter": it, "loss": loss} for it, loss in ((10, 3), (20, 2), (30, 9), (20, 1.5), (30, 1))
    ]
    log = read_log(write(tmp_path / "log.jsonl", *records))
    assert [(record["iter"], record["loss"]) for record in log.train] == [(10, 3), (20, 1.5), (30, 1)]


@pytest.mark.parametrize("line", ["not json", '{"event": "train"}', "[1, 2]", '{"event": "train", "iter": null}'])
def test_a_damaged_line_in_the_middle_is_named(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"event": "train", "iter": 1}}\n{line}\n{{"event": "train", "iter": 2}}\n')
    with pytest.raises(DataError, match=r"log\.jsonl:2: want a JSON object"):
        read_log(path)


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.jsonl: cannot read the training log"):
        read_log(tmp_path / "nothing.jsonl")
