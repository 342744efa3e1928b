"""Options of ``segwright train`` as commands give them: files that come of them, and what is refused."""

import csv
import json
from pathlib import Path

import multilabel_data
import pytest
import torch
import yaml
from safetensors.torch import load_file
from toy_data import write_toy_pictures

import segwright
from segwright.cli.main import main
from segwright.engine.checkpoint import checkpoints
from segwright.images import read_image
from segwright.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def train(toy_config, tmp_path, capsys):
    """Runs ``segwright train`` in this process into a folder; returns exit code and all that was printed, as a line."""

    def run(folder: str, *flags: object, config: Path | None = None) -> tuple[int, str]:
        config = config or toy_config("ToyNet", "[1, 0.4]")
        where = ["--config", config, "--save_dir", tmp_path / folder, "--device", "cpu", "--num_workers", 0]
        code = main(["train", *map(str, where), *map(str, flags)])
        output = capsys.readouterr()
        return code, " ".join((output.out + output.err).split())

    return run


def changed(config: Path, old: str, new: str) -> Path:
    """The config with a part of its text replaced."""
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return config


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_with_everything_on_leaves_its_files_and_full_tables(train, tmp_path):
    flags = ("--do_eval", "--use_ema", "--save_interval", 4, "--num_previews", 2, "--log_iters", 2)
    code, text = train("out", *flags, "--accumulate", 2, "--batch_size", 2, "--precision", "bf16")
    assert code == 0, text
    assert "in bf16: 8 pictures, effective batch size 4 = 2 x 2 accumulated (2 iterations an epoch)" in text
    out = tmp_path / "out"
    for name in ("best_model", "ema_best_model", "iter_4", "iter_8"):
        assert (out / name / "model.safetensors").is_file()
    for iteration in (4, 8):
        pictures = sorted((out / f"previews/iter_{iteration:06d}").iterdir())
        assert [path.name for path in pictures] == ["00000_08.png", "00002_10.png"]
        assert read_image(pictures[0]).shape == (40, 2 * 48 + 4, 3)
    rows = table(out / "log.csv")
    assert [(row["iter"], row["epoch"]) for row in rows] == [("2", "1"), ("4", "2"), ("6", "3"), ("8", "4")]
    for row in rows:
        assert all(float(row[name]) > 0 for name in ("loss", "lr", "ips", "grad_norm", "memory_mib"))
        assert 0 <= float(row["waiting"]) <= 1
    scores = table(out / "eval.csv")
    assert [row["iter"] for row in scores] == ["4", "8"]
    assert all(float(row["loss"]) > 0 and row["mIoU"] and row["IoU 0"] for row in scores)
    assert yaml.safe_load((out / "config.yml").read_text())["model"]["type"] == "ToyNet"


def test_no_tracker_leaves_no_curves_but_the_log(train, tmp_path, recwarn):
    code, text = train("out", "--tracker", "none", "--iters", 2)
    assert code == 0
    assert "Curves" not in text
    assert not [warning for warning in recwarn if "tracker" in str(warning.message)]
    assert not list((tmp_path / "out").glob("events.*"))
    assert (tmp_path / "out/log.csv").is_file()


def test_profiling_ends_with_a_trace_and_a_checkpoint_that_auto_goes_on_from(train, tmp_path):
    train("straight")
    code, text = train("out", "--profiler_options", "batch_range=[1,3]")
    assert code == 0
    assert "The steps to profile are done" in text
    assert json.loads((tmp_path / "out/profile.json").read_text())["traceEvents"]
    assert [path.name for path in checkpoints(tmp_path / "out")] == ["iter_3"]
    assert train("out", "--resume_model", "auto")[0] == 0
    assert same(tmp_path / "straight/iter_8", tmp_path / "out/iter_8")


def test_decoded_pictures_kept_in_memory_change_nothing(train, tmp_path):
    train("plain")
    assert train("cached", "--cache_mb", 8)[0] == 0
    assert same(tmp_path / "plain/iter_8", tmp_path / "cached/iter_8")


def test_class_weights_from_the_data_are_numbers_in_the_config_and_do_not_hinder_resuming(train, toy_config, tmp_path):
    config = changed(toy_config("ToyNet", "[1, 1]"), "type: CrossEntropyLoss", "type: CrossEntropyLoss, weight: auto")
    assert train("out", "--save_interval", 4, config=config)[0] == 0
    written = yaml.safe_load((tmp_path / "out/config.yml").read_text())
    for loss in written["loss"]["types"]:
        background, rectangle = loss["weight"]
        assert 1 < background < rectangle
    assert train("again", "--resume_model", tmp_path / "out/iter_4", config=config)[0] == 0
    assert same(tmp_path / "out/iter_8", tmp_path / "again/iter_8")


def test_finetuning_on_another_number_of_classes_keeps_what_fits(train, tmp_path):
    train("two")
    start = tmp_path / "two/iter_8"
    three = ("--opts", "train_dataset.num_classes=3", "val_dataset.num_classes=3")
    code, text = train("three", "--finetune", start, "--iters", 1, "--learning_rate", 0, *three)
    assert code == 0, text
    assert "Fine-tuning from" in text
    assert "What is missing or mismatched starts from random numbers" in text
    before, after = weights(start), weights(tmp_path / "three/iter_1")
    assert torch.equal(before["stem.0.weight"], after["stem.0.weight"])
    assert len(after["head.weight"]) == 3
    code, text = train("three", "--finetune", start, "--resume_model", start, *three)
    assert code == 2
    assert "--finetune starts a new run, --resume_model goes on with one" in text


def test_a_frozen_backbone_stays_as_it_is_with_its_statistics(train, toy_config, tmp_path):
    config = toy_config("LRASPP, backbone: {type: MobileNetV3_small_x1_0}", "[1]")
    code, text = train("out", "--freeze", "backbone", "--iters", 2, "--save_interval", 1, "--seed", 5, config=config)
    assert code == 0, text
    torch.manual_seed(5)
    block = {"type": "LRASPP", "num_classes": 2, "backbone": {"type": "MobileNetV3_small_x1_0"}}
    before, after = segwright.build_model(block).state_dict(), weights(tmp_path / "out/iter_2")
    moved = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved
    assert "backbone" not in moved
    code, text = train("out", "--iters", 2, "--seed", 5, "--resume_model", tmp_path / "out/iter_1", config=config)
    assert code == 2
    assert "other settings" in text
    assert "frozen" in text


def test_auto_takes_the_pretrained_weights_where_there_is_no_checkpoint_yet(train, toy_config, tmp_path):
    torch.manual_seed(77)
    net = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    save_weights(net, tmp_path / "pretrained.safetensors")
    config = toy_config(f"ToyNet, pretrained: {tmp_path / 'pretrained.safetensors'}", "[1, 1]")
    flags = ("--iters", 1, "--learning_rate", 0, "--resume_model", "auto")
    assert train("out", *flags, config=config)[0] == 0
    assert torch.equal(weights(tmp_path / "out/iter_1")["stem.0.weight"], net.stem[0].weight)
    (tmp_path / "pretrained.safetensors").unlink()  # a run that goes on needs them no more
    assert train("out", *flags, config=config)[0] == 0


def test_auto_with_other_settings_is_refused_with_their_names(train):
    train("out")
    code, text = train("out", "--resume_model", "auto", "--use_ema", "--batch_size", 2)
    assert code == 2
    assert "batch_size: 4 -> 2; use_ema: False -> True" in text
    assert train("out", "--resume_model", "auto", "--batch_size", 2, "--accumulate", 2)[0] == 0


def broken_pictures(root: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        path = root / "images" / name
        path.write_bytes(path.read_bytes()[:99])
    return "--opts", f"train_dataset.dataset_root={root}", f"val_dataset.dataset_root={root}"


def test_r2_a_damaged_picture_is_left_out_where_that_is_asked_for_and_two_of_eight_are_too_many(train, tmp_path):
    root = write_toy_pictures(tmp_path / "data")
    opts = broken_pictures(root, "03.png")
    code, text = train("out", *opts)
    assert code == 2
    assert "03.png" in text
    code, text = train("out", "--on_bad", "skip", *opts)
    assert code == 0, text
    assert "left out: " in text
    broken_pictures(root, "05.png")
    code, text = train("other", "--on_bad", "skip", *opts)
    assert code == 2
    assert "2 of 8 pictures cannot be used, more than 1%: too many to be left out" in text


def test_several_labels_a_pixel_are_trained_and_scored(train, tmp_path):
    root = multilabel_data.write_pictures(tmp_path / "data")
    config = tmp_path / "several.yml"
    config.write_text(multilabel_data.CONFIG.format(root=root))
    code, text = train("out", "--use_multilabel", "--do_eval", "--use_ema", config=config)
    assert code == 0, text
    best = json.loads((tmp_path / "out/best_model/metrics.json").read_text())
    words = ["--model_path", tmp_path / "out/best_model", "--use_multilabel", "--json", tmp_path / "scores.json"]
    assert main(["val", "--config", str(config), "--device", "cpu", "--num_workers", "0", *map(str, words)]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["mIoU"] == best["mIoU"] > 0.9


def test_why_tells_what_two_runs_were_given_and_what_came_of_it(train, tmp_path, capsys):
    for folder, flags in (("a", ("--seed", 1)), ("b", ("--seed", 2, "--learning_rate", 0.005))):
        assert train(folder, "--do_eval", "--log_iters", 1, *flags)[0] == 0
    assert main(["why", str(tmp_path / "a"), str(tmp_path / "b"), "--json", str(tmp_path / "why.json")]) == 0
    out = capsys.readouterr().out
    assert "The runs differ in 2 settings" in " ".join(out.split())
    data = json.loads((tmp_path / "why.json").read_text())
    assert {(row["key"], row["a"], row["b"]) for row in data["settings"]} == {
        ("seed", 1, 2),
        ("learning_rate", 0.02, 0.005),
    }
    assert data["curves"]["first"]["iteration"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "module"), [("wandb", "wandb"), ("mlflow", "mlflow")])
def test_services_get_the_curves_without_a_network(train, tmp_path, monkeypatch, name, module):
    pytest.importorskip(module, reason=f"the extra {name} is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    code, text = train("out", "--tracker", name, "--do_eval", "--save_interval", 4, "--num_previews", 1)
    assert code == 0, text
    assert "has failed" not in text
    assert train("out", "--tracker", name, "--do_eval", "--resume_model", tmp_path / "out/iter_4")[0] == 0
    assert name in json.loads((tmp_path / "out/trackers.json").read_text())
    written = {"wandb": "out/wandb/offline-run-*/*.wandb", "mlflow": "mlruns/**/metrics/Train/loss"}[name]
    assert list(tmp_path.glob(written))
