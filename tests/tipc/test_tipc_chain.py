"""The two scripts of the test chain, run as they are, on a small model and drawn pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tipc_files import write_chain

from segwright.errors import DataError
from test_tipc import run
from test_tipc.drawn import MARK
from test_tipc.params import read_params
from test_tipc.prepare import prepare
from test_tipc.run import Results, run_chain
from test_tipc.step import Step

ROOT = Path(__file__).parents[2]
MODE = "lite_train_lite_infer"
CONFIG = """
batch_size: 2
train_dataset:
  type: Dataset
  dataset_root: data/road
  train_path: train.txt
  num_classes: 2
  transforms: [{type: RandomPaddingCrop, crop_size: [32, 32]}, {type: Normalize}]
val_dataset:
  type: Dataset
  dataset_root: data/road
  val_path: val.txt
  num_classes: 2
  transforms: [{type: Resize, target_size: [32, 32]}, {type: Normalize}]
optimizer: {type: SGD, momentum: 0.9}
lr_scheduler: {type: PolynomialDecay, learning_rate: 0.01}
loss: {types: [{type: CrossEntropyLoss}], coef: [1]}
model: {type: UNet}
"""
CHAIN = {
    "model_name": "small",
    "gpu_list": "-1",
    "--iters": f"{MODE}=2",
    "--batch_size": f"{MODE}=2",
    "train_infer_img_dir": "data/road/val_5.list",
    "norm_train": "tools/train.py --config small.yml --do_eval --num_workers 0",
    "eval": "val.py --config small.yml --num_workers 0",
    "norm_export": "export.py --config small.yml",
    "--enable_mkldnn": "False",
    "--cpu_threads": "1",
    "--device": "cpu",
    "--benchmark": "null",
    "--model_name": "small",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a configuration; the folder test_tipc/ is not in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def run_script(name, *arguments):
    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["bash", str(ROOT / "test_tipc" / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def statuses(model="small"):
    entries = json.loads(Path(f"test_tipc/output/{model}/results_python.json").read_text(encoding="utf-8"))
    return [entry["status"] for entry in entries]


@pytest.mark.slow
def test_the_two_commands_train_evaluate_export_and_infer(folder):
    file = str(write_chain(folder / "chain.txt", CHAIN))
    prepared = run_script("prepare.sh", file, MODE)
    assert prepared.returncode == 0, prepared.stderr
    done = run_script("test_train_inference_python.sh", file, MODE)
    assert done.returncode == 0, done.stdout
    assert statuses() == ["success"] * 4
    log = (folder / "test_tipc/output/small/results_python.log").read_text(encoding="utf-8").splitlines()
    assert log[0] == f"------------------------ {MODE} ------------------------"
    assert [line.startswith("\033[33m Run successfully with command - ") for line in log[1:]] == [True] * 4
    assert all(line.endswith("!  \033[0m") for line in log[1:])
    results = next((folder / "test_tipc/output/small").glob("python_infer_cpu_*_results"))
    assert len(list(results.rglob("val_*.png"))) >= 5


@pytest.mark.slow
def test_a_benchmark_tells_how_fast_training_is(folder):
    changes = {"fp_items": "fp32", "batch_size": "2", "epoch": "4", "log_iters": "1;skip_iters:2;repeats:3"}
    changes |= {"trainer": "norm", "norm_train": "train.py --config small.yml --num_workers 0"}
    params = {**CHAIN, **changes, "--profiler_options": "null"}
    file = write_chain(folder / "chain.txt", params)
    prepare(read_params(file, "benchmark_train"), "benchmark_train")
    assert run.main([str(file), "benchmark_train"]) == 0
    (entry,) = json.loads(Path("test_tipc/output/small/results_python.json").read_text())
    assert entry["status"] == "success"
    assert entry["ips"] > 0


@pytest.mark.slow
def test_a_step_that_fails_says_so_and_so_does_the_exit_code(folder):
    prepare(read_params(write_chain(folder / "chain.txt", CHAIN), MODE), MODE)
    file = write_chain(
        folder / "chain.txt", {**CHAIN, "norm_train": "train.py --config small.yml --opts model.type=No"}
    )
    done = run_script("test_train_inference_python.sh", str(file), MODE)
    assert done.returncode == 1
    assert statuses() == ["failure"] * 4
    log = (folder / "test_tipc/output/small/results_python.log").read_text(encoding="utf-8")
    assert log.count("Run failed with command - ") == 4
    assert "Run successfully" not in log
    assert "model.type" in (folder / "test_tipc/output/small/norm_gpus_-1_autocast_null_train.log").read_text()


@pytest.mark.usefixtures("folder")
def test_what_failed_takes_what_needs_it_along_and_nothing_else():
    fails = Step((sys.executable, "-c", "import sys; print('no'); sys.exit(3)"), Path("a.log"))
    needs = Step((sys.executable, "-c", "pass"), Path("b.log"), needs=fails)
    needs_that = Step((sys.executable, "-c", "pass"), Path("c.log"), needs=needs)
    stands_alone = Step((sys.executable, "-c", "pass"), Path("d.log"))
    left_out = Step((sys.executable, "-c", "pass"), Path("e.log"), skip="no GPU here")
    results = Results(Path("results"), MODE)
    run_chain([fails, needs, needs_that, stands_alone, left_out], results)
    assert [entry["status"] for entry in results.entries] == ["failure"] * 3 + ["success", "skipped"]
    assert results.entries[0]["exit_code"] == 3
    assert Path("a.log").read_text() == "no\n"
    assert Path("b.log").read_text().startswith("not started: this failed before: ")
    assert "Skipped, no GPU here - " in Path("results/results_python.log").read_text()


def test_a_chain_of_which_nothing_can_run_here_has_not_succeeded(folder, capsys):
    file = write_chain(folder / "chain.txt", {**CHAIN, "gpu_list": "97", "--save_dir": "elsewhere"})
    assert run.main([str(file), MODE]) == 1
    assert set(statuses()) == {"skipped"}
    told = capsys.readouterr()
    assert "'elsewhere' is not used: results are in test_tipc/output/small" in told.out
    assert "nothing could be tested here; on the CPU, say gpu_list:-1" in told.err
    assert run.main([str(file)]) == 2
    assert run.main([str(folder / "none.txt"), MODE]) == 2


def test_lite_modes_draw_data_once_and_list_pictures(folder, capsys):
    params = read_params(write_chain(folder / "chain.txt", CHAIN), MODE)
    prepare(params, MODE)
    assert len((folder / "data/road/train.txt").read_text().splitlines()) == 8
    listed = (folder / "data/road/val_5.list").read_text().splitlines()
    assert listed == [f"images/val_{index}.png" for index in range(5)]
    prepare(params, MODE)
    assert "is used as it is, with drawn pictures" in capsys.readouterr().out


def test_whole_modes_want_real_data_and_take_those_that_are_named(folder, monkeypatch):
    mode = "whole_train_whole_infer"
    file = write_chain(folder / "chain.txt", {**CHAIN, "trainer": "norm", "train_infer_img_dir": "data/road/val.txt"})
    prepare(read_params(file, MODE), MODE)
    params = read_params(file, mode)
    with pytest.raises(DataError, match="whole modes want real data: put Dataset at data/road, or name its folder"):
        prepare(params, mode)
    (folder / "real").mkdir()
    (folder / "real/val.txt").write_text("")
    monkeypatch.setenv("TIPC_DATA", str(folder / "real"))
    prepare(params, mode)
    assert (folder / "data/road").resolve() == folder / "real"
    assert not (folder / "real" / MARK).exists()
    monkeypatch.setenv("TIPC_DATA", str(folder / "nowhere"))
    with pytest.raises(DataError, match="which is no folder"):
        prepare(params, mode)


def test_whole_infer_says_where_weights_have_to_be(folder):
    changes = {**CHAIN, "--image_path": "data/road/val.txt", "infer_export": "null"}
    params = read_params(write_chain(folder / "chain.txt", changes), "whole_infer")
    (folder / "data/road").mkdir(parents=True)
    (folder / "data/road/val.txt").write_text("")
    with pytest.raises(DataError, match=r"put them at ./test_tipc/output/lraspp/model.pdparams"):
        prepare(params, "whole_infer")
