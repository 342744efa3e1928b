"""Several processes at one run, started as users start them: by torchrun."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest
import torch
from launching import launch
from safetensors.torch import load_file

import segwright

pytestmark = pytest.mark.slow

CONFIG = """
batch_size: {batch_size}
iters: 4
train_dataset:
  type: Dataset
  dataset_root: {root}
  train_path: train.txt
  num_classes: 2
  transforms: [{{type: RandomHorizontalFlip}}, {{type: RandomDistort, brightness_range: 0.2}}, {{type: Normalize}}]
val_dataset:
  {{type: Dataset, dataset_root: {root}, val_path: val.txt, num_classes: 2, transforms: [{{type: Normalize}}]}}
optimizer: {{type: SGD, momentum: 0.9, weight_decay: 4.0e-5}}
lr_scheduler: {{type: PolynomialDecay, learning_rate: 0.005, end_lr: 0, power: 0.9}}
loss: {{types: [{{type: CrossEntropyLoss}}], coef: [1]}}
model: {{type: UNet, num_classes: 2}}
"""


@pytest.fixture
def train(toy_data, tmp_path):
    """Runs ``segwright train`` in some processes; returns exit code, output and folder."""

    def run(name: str, *args, processes: int = 1, batch_size: int = 4, **lines: str) -> tuple[int, str, Path]:
        config, folder = tmp_path / f"{name}.yml", tmp_path / name
        config.write_text(CONFIG.format(root=lines.get("root", toy_data), batch_size=batch_size))
        flags = ["--config", config, "--save_dir", folder, "--do_eval", "--num_workers", 0, "--log_iters", 1, *args]
        return *launch("train", *flags, processes=processes), folder

    return run


def distance(one: Path, other: Path) -> float:
    """How far apart the weights of two checkpoints are, as a share of the way that they came from the initial ones.

    Sums of float32 numbers in another order differ in the last bit, and every step of training makes that larger.
    """
    torch.manual_seed(0)
    start = segwright.build_model({"type": "UNet", "num_classes": 2}).state_dict()
    left, right = (load_file(folder / "model.safetensors") for folder in (one, other))
    apart, moved = (torch.cat([(left[name] - base[name]).flatten() for name in left]).norm() for base in (right, start))
    return float(apart / moved)


def test_two_processes_learn_what_one_learns_from_the_doubled_batch(train, tmp_path):
    code, alone, one = train("one", batch_size=4)
    assert code == 0, alone
    code, text, two = train("two", processes=2, batch_size=2)
    assert code == 0, text
    assert distance(one / "iter_4", two / "iter_4") < 0.002
    assert "effective batch size 4 = 2 x 2 processes" in text
    assert text.count("[TRAIN] epoch: 1, iter: 1/4") == 1  # one process writes

    words = ("val", "--config", tmp_path / "two.yml", "--model_path", two / "iter_4", "--num_workers", 0)
    further = ("--auc_roc", "--boundary_iou", "--bootstrap", 50)
    scores, tables = [], []
    for processes in (1, 2):
        file, table = tmp_path / f"{processes}.json", tmp_path / f"{processes}.csv"
        code, text = launch(*words, *further, "--json", file, "--per_image", table, processes=processes)
        assert code == 0, text
        scores.append(json.loads(file.read_text()))
        tables.append(table.read_text())
    assert scores[0] == scores[1]  # to the last digit
    assert tables[0] == tables[1]
    assert tables[0].count(".png") == scores[0]["images"] == 4


SHOW_THREADS = """
import sys
from pathlib import Path
import torch.distributed as dist
from segwright.cli.main import main

def destroy(group=None, real=dist.destroy_process_group):
    real(group)
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    print(f"threads left: {sum('gloo' in name for name in names)} of {len(names)}", flush=True)

dist.destroy_process_group = destroy
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_threads_that_connect_processes_end_with_their_group(toy_data, tmp_path):
    """Later, they waited for the interpreter and it for them: runs that were done hung now and then."""
    program = tmp_path / "program.py"
    program.write_text(SHOW_THREADS)
    config = tmp_path / "two.yml"
    config.write_text(CONFIG.format(root=toy_data, batch_size=2))
    words = ("--config", config, "--num_workers", 0)
    out = tmp_path / "two"
    code, text = launch("train", *words, "--save_dir", out, "--do_eval", processes=2, program=[program])
    assert (code, text.count("threads left: 0")) == (0, 2), text
    code, text = launch("val", *words, "--model_path", out / "iter_4", processes=2, program=[program])
    assert (code, text.count("threads left: 0")) == (0, 2), text


def test_a_run_goes_on_with_another_number_of_processes(train):
    _, _, straight = train("straight")
    train("change", "--opts", "iters=4", "--save_interval", 2, processes=2, batch_size=2)
    folder = straight.parent / "change"
    code, text, _ = train("change", "--resume_model", folder / "iter_2", batch_size=4)
    assert code == 0, text
    assert distance(straight / "iter_4", folder / "iter_4") < 0.002


def test_r50_when_one_process_fails_the_others_end_and_the_reason_is_said(train, toy_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(toy_data, root)
    bad = sorted((root / "images").iterdir())[1]
    bad.write_bytes(b"no picture")
    start = time.monotonic()
    code, text, _ = train("broken", processes=2, batch_size=4, root=root)
    assert code != 0
    assert time.monotonic() - start < 60
    assert f"{bad} is not a picture" in " ".join(text.split())
    assert "Traceback" not in text.split("segwright: error")[0]
