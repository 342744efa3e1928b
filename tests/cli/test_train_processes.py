"""``segwright train`` in two processes: what they write, and how they end together."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from launching import launch
from test_processes import CONFIG

from segwright.engine.checkpoint import checkpoints

pytestmark = pytest.mark.slow


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def processes_config(toy_data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "two.yml"
    path.write_text(CONFIG.format(root=toy_data, batch_size=2))
    return path


def test_two_processes_with_an_average_write_one_set_of_files(toy_data, tmp_path):
    out = tmp_path / "out"
    flags = ("--config", processes_config(toy_data, tmp_path), "--save_dir", out, "--num_workers", 0, "--log_iters", 1)
    options = ("--use_ema", "--do_eval", "--save_interval", 2, "--num_previews", 2)
    code, text = launch("train", *flags, *options, processes=2)
    assert code == 0, text
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith((".", "events")))
    folders = ["best_model", "data", "ema_best_model", "iter_2", "iter_4", "previews"]
    assert names == sorted([*folders, "config.yml", "eval.csv", "log.csv", "log.jsonl", "run.json"])
    assert len(list(out.glob("events.*"))) == 1
    assert [row["iter"] for row in table(out / "log.csv")] == ["1", "2", "3", "4"]
    assert [row["images"] for row in table(out / "eval.csv")] == ["4", "4"]
    assert text.count("was saved at iter") == 4  # of the weights and of their average, two times
    state = json.loads((out / "iter_4/state.json").read_text())
    for name, best in (("best_model", state["best"]), ("ema_best_model", state["best_ema"])):
        metrics = json.loads((out / name / "metrics.json").read_text())
        assert (metrics["mIoU"], metrics["iter"]) == (best["miou"], best["iteration"])


def test_r42_a_signal_to_one_of_two_processes_ends_both_with_one_checkpoint(toy_data, tmp_path):
    out = tmp_path / "out"
    flags = ("--config", processes_config(toy_data, tmp_path), "--save_dir", out, "--num_workers", 1, "--log_iters", 1)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "segwright", "train"]
    command = [sys.executable, *launcher, *map(str, flags), "--iters", "500"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    assert any("iter: 2/500" in line for line in process.stdout)
    ranks = {child.environ().get("RANK"): child for child in psutil.Process(process.pid).children()}
    ranks["1"].send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "has lost another" not in rest
    (checkpoint,) = checkpoints(out)
    assert f"go on with --resume_model {checkpoint}" in " ".join(rest.split())
    assert sorted(path.name for path in out.glob("*iter_*")) == [checkpoint.name]
