"""The commands as a user runs them: real processes, real files, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from safetensors.numpy import load_file
from toy_data import TOY_CONFIG

from segwright.engine.checkpoint import checkpoints

SEGWRIGHT = [sys.executable, "-m", "segwright"]


def run(*arguments: object, code: int = 0, **options) -> subprocess.CompletedProcess:
    """Run a command to its end and check how it ended."""
    done = subprocess.run(
        [*SEGWRIGHT, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, **options
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def train(config: Path, save_dir: Path, *more: object, **options) -> subprocess.CompletedProcess:
    return run(
        "train", "--config", config, "--save_dir", save_dir, "--device", "cpu", "--num_workers", 0, *more, **options
    )


def test_help_answers_without_importing_anything_heavy():
    code = """
import sys
from segwright.cli.main import main
try:
    main(["--help"])
except SystemExit:
    print([name for name in ("torch", "numpy", "pydantic", "rich", "cv2") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert all(command in done.stdout for command in ("train", "val", "predict", "export", "infer", "config"))


@pytest.mark.parametrize("command", ["train", "val", "predict", "export", "infer", "config"])
def test_every_command_explains_its_flags(command):
    text = run(command, "--help").stdout
    assert "--debug" in text
    assert text.count("\n") > 8


def test_dashes_and_underscores_are_the_same(toy_config):
    done = run("train", "--config", toy_config(), "--save-dir", "x", "--num-workers", "many", code=2)
    assert "--num_workers" in done.stderr
    assert "want a whole number, got 'many'" in done.stderr


def test_an_error_is_one_paragraph_with_exit_code_2_and_a_traceback_only_for_debug(toy_config):
    done = run("config", toy_config(), "--opts", "model.type=BiseNet", code=2)
    assert done.stderr.startswith(
        "segwright: error: --opts: model.type: unknown model 'BiseNet'; did you mean 'BiSeNetV2'?"
    )
    assert "Traceback" not in done.stderr + done.stdout
    assert "Traceback" in run("config", toy_config(), "--opts", "model.type=BiseNet", "--debug", code=2).stderr


def test_config_prints_yaml_with_defaults(toy_config):
    import yaml

    data = yaml.safe_load(run("config", toy_config()).stdout)
    assert data["model"]["lambd"] == 0.25
    assert data["val_dataset"]["ignore_index"] == 255


@pytest.fixture(scope="module")
def trained(tmp_path_factory, toy_data) -> Path:
    """BiSeNetV2 after a few iterations on the toy data, by the command; with its config in the same folder."""
    folder = tmp_path_factory.mktemp("trained")
    config = folder / "toy.yml"
    config.write_text(TOY_CONFIG.format(root=toy_data, model="BiSeNetV2", coef="[1, 1, 1, 1, 1]"))
    train(config, folder / "output", "--do_eval", "--save_interval", 5, "--log_iters", 2, "--iters", 10)
    return folder


def test_train_leaves_checkpoints_best_model_log_and_configuration(trained):
    output = trained / "output"
    assert [path.name for path in checkpoints(output)] == ["iter_5", "iter_10"]
    assert (output / "best_model/model.safetensors").is_file()
    assert (output / "config.yml").is_file()
    assert list(output.glob("events.out.tfevents.*"))


def test_val_prints_a_table_and_writes_json(trained, tmp_path):
    arguments = (
        "val",
        "--config",
        trained / "toy.yml",
        "--model_path",
        trained / "output/best_model",
        "--device",
        "cpu",
    )
    done = run(*arguments, "--json", tmp_path / "out.json")
    scores = json.loads((tmp_path / "out.json").read_text())
    best = json.loads((trained / "output/best_model/metrics.json").read_text())
    assert scores["images"] == 4
    assert "pixel accuracy" in scores.pop("conventions")["Acc"]
    assert scores == {key: best[key] for key in scores}
    assert f"[EVAL] #Images: 4, mIoU: {scores['mIoU']:.4f}" in done.stdout


def test_the_path_of_an_old_command_line_finds_our_weights(trained, tmp_path):
    done = run(
        "val",
        "--config",
        trained / "toy.yml",
        "--model_path",
        trained / "output/iter_10/model.pdparams",
        "--json",
        tmp_path / "a.json",
    )
    assert "model.safetensors" in done.stdout


def test_predict_writes_label_maps_and_reports_what_it_could_not_read(trained, toy_data, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/good.png").write_bytes((toy_data / "images/00.png").read_bytes())
    (tmp_path / "in/bad.png").write_bytes((toy_data / "images/00.png").read_bytes()[:99])
    done = run(
        "predict", "--config", trained / "toy.yml", "--model_path", trained / "output/best_model",
        "--image_path", tmp_path / "in", "--save_dir", tmp_path / "out", code=2,
    )  # fmt: skip
    assert "bad.png" in done.stdout
    assert [path.name for path in (tmp_path / "out/pseudo_color_prediction").iterdir()] == ["good.png"]


def test_val_without_weights_and_with_foreign_weights_are_errors(trained, tmp_path):
    config = trained / "toy.yml"
    assert "no weights to evaluate" in run("val", "--config", config, code=2).stderr
    (tmp_path / "x.pdparams").write_bytes(b"\x80\x04garbage")
    assert "x.pdparams" in run("val", "--config", config, "--model_path", tmp_path / "x.pdparams", code=2).stderr
    other = ("train_dataset.num_classes=3", "val_dataset.num_classes=3")
    best = trained / "output/best_model"
    text = run("val", "--config", config, "--model_path", best, "--opts", *other, code=2).stderr
    assert "num_classes" in text


def test_r11_masks_of_0_and_255_stop_training_before_it_begins(toy_config, tmp_path):
    from toy_data import write_toy_pictures

    from segwright.images import default_palette, read_label, write_label_map

    root = write_toy_pictures(tmp_path / "data")
    for path in (root / "labels").iterdir():
        write_label_map(path, (read_label(path) > 0) * 255, default_palette(2))
    config = toy_config()
    config.write_text(
        config.read_text().replace(config.read_text().split("dataset_root: ")[1].split("\n")[0], str(root))
    )
    done = train(config, tmp_path / "out", code=2)
    assert "255 is ignore_index" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_file_names_its_key_and_line_and_the_nearest_name(toy_config, tmp_path):
    config = toy_config()
    line = next(number for number, row in enumerate(config.read_text().splitlines(), 1) if "train_dataset" in row)
    stderr = train(config, tmp_path / "out", "--opts", "train_dataset.train_path=trian.txt", code=2).stderr
    text = " ".join(stderr.split())
    assert f"toy.yml:{line}: train_dataset: train_path trian.txt is neither below" in text
    assert "did you mean 'train.txt'?" in text
    stderr = train(config, tmp_path / "out", "--opts", "model.pretrained=nowhere.pdparams", code=2).stderr
    assert "model.pretrained: no weights at nowhere.pdparams" in " ".join(stderr.split())


def test_r18_pictures_trained_on_and_evaluated_are_warned_about(toy_config, tmp_path):
    done = train(toy_config(), tmp_path / "out", "--do_eval", "--iters", 2, "--opts", "val_dataset.val_path=train.txt")
    assert "8 of 8 validation pictures are also trained on" in " ".join(done.stdout.split())


def start(config: Path, save_dir: Path, *more: object) -> subprocess.Popen:
    """A training in a process group of its own, as a terminal or a job has one."""
    return subprocess.Popen(
        [*SEGWRIGHT, "train", "--config", str(config), "--save_dir", str(save_dir), "--device", "cpu", *map(str, more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen, text: str) -> str:
    """Read the process's output until a line holds ``text``; returns that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} never came; exit code {process.wait()}")


def end_of_group(number: int, seconds: float = 10) -> bool:
    """Whether nothing of a process group runs any more, within some time; zombies are for the system to clear away."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(runs(process.pid, number) for process in psutil.process_iter()):
            return True
        time.sleep(0.1)
    return False


def runs(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def weights(folder: Path) -> dict:
    return {name: value.tobytes() for name, value in load_file(folder / "model.safetensors").items()}


LONG = ("--iters", 14, "--log_iters", 1, "--seed", 5, "--device", "cpu")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, toy_data) -> dict:
    """Weights after a run with the flags ``LONG``."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    config = folder / "toy.yml"
    config.write_text(TOY_CONFIG.format(root=toy_data, model="BiSeNetV2", coef="[1, 1, 1, 1, 1]"))
    way = ("--config", config, "--save_dir", folder / "output", "--num_workers", 0)
    run("train", *way, *LONG, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return weights(folder / "output/iter_14")


def resume(config: Path, folder: Path, checkpoint: Path, *flags: object) -> dict:
    """Go on from a checkpoint to the end; the weights then."""
    way = ("--config", config, "--save_dir", folder, "--resume_model", checkpoint)
    run("train", *way, *LONG, *flags, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return weights(folder / "iter_14")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_r42_a_signal_saves_and_the_resumed_run_equals_the_uninterrupted_one(
    toy_config, uninterrupted, tmp_path, number, code
):
    """The signal goes to readers, too: so do Ctrl-C in a terminal, ``timeout``, torchrun and Slurm."""
    config, folder = toy_config(), tmp_path / "cut"
    process = start(config, folder, *LONG, "--num_workers", 1)
    wait_for(process, "iter: 3/14")
    os.killpg(process.pid, number)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == code, rest
    assert end_of_group(process.pid)
    (checkpoint,) = checkpoints(folder)
    assert f"--resume_model {checkpoint}" in " ".join(rest.split())
    assert resume(config, folder, checkpoint, "--num_workers", 1) == uninterrupted


@pytest.mark.slow
def test_r40_kill_9_leaves_whole_checkpoints_that_resume_exactly(toy_config, uninterrupted, tmp_path):
    config, folder = toy_config(), tmp_path / "cut"
    flags = ("--save_interval", 1, "--num_workers", 0, "--keep_checkpoint_max", 99)
    process = start(config, folder, *LONG, *flags)
    wait_for(process, "iter: 5/14")
    time.sleep(0.05)
    process.kill()
    process.communicate()
    newest = checkpoints(folder)[-1]
    assert int(newest.name[5:]) >= 4
    assert resume(config, folder, newest, *flags) == uninterrupted
