"""What the commands say when they are called wrongly or cannot write; run in this process, which is quick."""

import json
import os
import subprocess
import sys

import pytest
from toy_data import write_toy_pictures

import segwright
from segwright.cli.main import main
from segwright.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(capsys):
    """Runs a command line; returns exit code, standard output and error, each as one line."""

    def call(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        output = capsys.readouterr()
        return code, " ".join(output.out.split()), " ".join(output.err.split())

    return call


@pytest.fixture
def weights(tmp_path):
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 2}), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def config(toy_config):
    return toy_config("ToyNet", "[1, 1]")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--config", "x.yml", "--sav_dir", "o"], "unknown argument --sav_dir, did you mean --save_dir?"),
        (["train", "--config", "x.yml", "--sav-dir=o"], "unknown argument --sav_dir, did you mean --save_dir?"),
        (["val", "--config", "x.yml", "--zzz"], "unknown argument --zzz; see segwright val --help"),
        (["train"], "the following arguments are required: --config; see segwright train --help"),
        (["train", "--config", "x.yml", "--do_eval", "maybe"], "--do_eval: want True or False, got 'maybe'"),
        (["train", "--config", "x.yml", "--iters", "0"], "--iters: want a whole number of at least 1, got 0"),
        (["trian"], "invalid choice: 'trian'"),
    ],
)
def test_r30_a_wrong_command_line_is_one_paragraph(run, words, message):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("segwright: error: ")
    assert message in err
    assert "usage" not in err


@pytest.mark.parametrize("section", ["optimizer", "lr_scheduler", "loss", "model", "train_dataset"])
def test_a_missing_section_is_named(run, config, section):
    import yaml

    data = yaml.safe_load(config.read_text())
    del data[section]
    config.write_text(yaml.safe_dump(data))
    code, _, err = run("train", "--config", config)
    assert code == 2
    assert f"has no {section}, which is needed to train" in err


def test_booleans_may_be_words(run, config, weights):
    flags = ("--is_slide", "True", "--crop_size", 32, 32, "--stride", 16, 16, "--aug_eval", "False")
    code, out, _ = run(
        "val", "--config", config, "--model_path", weights, "--num_workers", 0, "--device", "cpu", *flags
    )
    assert code == 0
    assert "over 4 pictures" in out


def test_r20_results_that_cannot_be_written_are_known_before_the_work(run, config, weights, toy_data):
    blocked = toy_data / "train.txt/out"
    val = ("val", "--config", config, "--model_path", weights, "--device", "cpu", "--json", blocked / "scores.json")
    predict = ("predict", "--config", config, "--model_path", weights, "--image_path", toy_data / "images")
    for words in (val, (*predict, "--device", "cpu", "--save_dir", blocked)):
        code, out, err = run(*words)
        assert code == 2
        assert f"cannot write to the folder {blocked}" in err
        assert "[EVAL]" not in out


def test_r18_an_evaluation_of_pictures_trained_on_says_so_beside_the_score(run, config, weights, tmp_path):
    words = ("val", "--config", config, "--model_path", weights, "--num_workers", 0, "--device", "cpu")
    assert "also trained on" not in run(*words)[1]
    _, out, _ = run(*words, "--opts", "val_dataset.val_path=train.txt")
    assert "8 of 8 validation pictures are also trained on" in out[out.index("over 8 pictures") :]
    train = ("train", "--config", config, "--save_dir", tmp_path / "out", "--do_eval", "--num_workers", 0)
    _, out, _ = run(*train, "--device", "cpu", "--iters", 2, "--opts", "val_dataset.val_path=train.txt")
    assert "[EVAL] 8 of 8 validation pictures are also trained on" in out


def test_r41_a_full_disk_stops_cleanly_and_leaves_the_older_checkpoint(run, config, tmp_path, monkeypatch):
    from segwright.engine import checkpoint

    save = checkpoint.save_weights

    def fill_up(model, path, state):
        if "iter_4" in str(path):
            raise OSError(28, "No space left on device", str(path))
        save(model, path, state)

    monkeypatch.setattr(checkpoint, "save_weights", fill_up)
    words = ("train", "--config", config, "--save_dir", tmp_path / "out", "--save_interval", 2, "--num_workers", 0)
    code, _, err = run(*words, "--device", "cpu")
    assert code == 2
    assert "iter_4 could not be written: [Errno 28] No space left on device" in err
    assert f"whole: {tmp_path}/out/iter_2" in err
    assert [path.name for path in (tmp_path / "out").iterdir() if "iter" in path.name] == ["iter_2"]
    monkeypatch.undo()
    assert run(*words, "--device", "cpu", "--resume_model", tmp_path / "out/iter_2")[0] == 0
    assert (tmp_path / "out/iter_8/model.safetensors").is_file()


def test_r48_one_picture_and_batches_of_one_train_the_real_network(run, toy_config, tmp_path):
    root = write_toy_pictures(tmp_path / "data")
    for name in ("train.txt", "val.txt"):
        (root / name).write_text((root / name).read_text().splitlines()[0])
    config = toy_config()
    opts = [f"{key}_dataset.dataset_root={root}" for key in ("train", "val")]
    words = ("train", "--config", config, "--save_dir", tmp_path / "out", "--num_workers", 0, "--device", "cpu")
    code, out, err = run(*words, "--batch_size", 1, "--iters", 2, "--do_eval", "--opts", *opts)
    assert code == 0, err
    assert "1 pictures, batch size 1 (1 iterations an epoch)" in out


def test_infer_prints_no_empty_lines_where_nobody_watches(config, weights, toy_data, tmp_path, capsys):
    assert (
        main(["export", "--config", str(config), "--model_path", str(weights), "--save_dir", str(tmp_path / "e")]) == 0
    )
    capsys.readouterr()
    words = ["infer", "--config", str(tmp_path / "e"), "--image_path", str(toy_data / "images")]
    assert main([*words, "--save_dir", str(tmp_path / "i")]) == 0
    assert "" not in capsys.readouterr().out.splitlines()


def test_a_reader_that_went_away_is_no_fault(toy_config):
    config = toy_config(extra="".join(f"# {'x' * 200}\n" for _ in range(3)))
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "segwright", "config", str(config)]
    done = subprocess.run(
        words, stdout=write, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == ""


def test_settings_of_a_checkpoint_state_each_fact_once(run, config, tmp_path):
    words = ("train", "--config", config, "--save_dir", tmp_path / "out", "--iters", 1, "--num_workers", 0)
    assert run(*words, "--device", "cpu")[0] == 0
    settings = json.loads((tmp_path / "out/iter_1/state.json").read_text())["settings"]
    assert settings["iters"] == 1
    assert "iters" not in settings["config"]
