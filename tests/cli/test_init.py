"""``segwright init`` as it is typed: what it writes trains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from campaigns.small_training import write_pictures
from segwright.cli.main import main
from segwright.types import Size


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Twelve pictures without a division, the working folder above them."""
    folder = tmp_path / "street scenes"
    write_pictures(folder, num_train=12, num_val=2, size=Size(72, 96))
    for file in folder.glob("*.txt"):
        file.unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def run(capsys, *words: object) -> tuple[int, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_what_init_writes_passes_the_doctor_trains_and_is_scored(data, tmp_path):
    def command(*words: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "segwright", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    before = snapshot(data)
    said = command("init", data, "--output", "mine.yml", "--iters", "6")
    assert snapshot(data) == before
    assert "segwright train --config mine.yml" in said
    command("doctor", "mine.yml", "--json", "found.json")
    assert json.loads((tmp_path / "found.json").read_text())["counts"]["error"] == 0
    command("train", "--config", "mine.yml", "--tracker", "none")
    command("val", "--config", "mine.yml", "--model_path", "output/mine/best_model", "--json", "scores.json")
    assert 0 <= json.loads((tmp_path / "scores.json").read_text())["mIoU"] <= 1


def test_each_value_has_its_reason_in_the_file_and_on_the_terminal(data, tmp_path, capsys):
    code, said = run(capsys, "init", data, "--minutes", 3, "--classes", "ground", "thing")
    assert code == 0
    text = (tmp_path / "street scenes.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    assert config["train_dataset"]["class_names"] == ["ground", "thing"]
    for key in ("batch_size:", "iters:", "learning_rate:", "RandomPaddingCrop", "num_workers:", "save_interval:"):
        line = next(line for line in text.splitlines() if key in line)
        assert " # " in line, line
    said = " ".join(said.split())  # the table's last column is wrapped
    for word in ("batch size", "s a step measured", "20% drawn with seed 0", "segwright doctor"):
        assert word in said
    lists = [Path(config["train_dataset"]["train_path"]), Path(config["val_dataset"]["val_path"])]
    assert [path.parent for path in lists] == [tmp_path] * 2
    assert sum(len(path.read_text().splitlines()) for path in lists) == 14


def test_nothing_is_replaced_without_force_and_a_dry_run_writes_nothing(data, tmp_path, capsys):
    code, said = run(capsys, "init", data, "--dry_run", "--iters", 5)
    assert code == 0
    assert "train_dataset:" in said
    assert not list(tmp_path.glob("*.yml")) + list(tmp_path.glob("*.txt"))
    config = tmp_path / "a.yml"
    config.write_text("mine")
    assert run(capsys, "init", data, "--output", config, "--iters", 5)[0] == 2
    assert config.read_text() == "mine"
    config.unlink()
    (tmp_path / "a_val.txt").write_text("mine")
    assert run(capsys, "init", data, "--output", config, "--iters", 5)[0] == 2
    assert not config.exists()
    assert run(capsys, "init", data, "--output", config, "--iters", 5, "--force")[0] == 0
    assert yaml.safe_load(config.read_text())["iters"] == 5


def test_the_same_seed_divides_in_the_same_way(data, tmp_path, capsys):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(capsys, "init", data, "--output", tmp_path / f"{name}.yml", "--seed", seed, "--iters", 5)[0] == 0
    first, same, other = ((tmp_path / f"{name}_val.txt").read_text() for name in "abc")
    assert first == same != other


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "is no folder"),
        (["street scenes", "--pretrained", "https://host/w.pdparams"], "downloads nothing"),
        (["street scenes", "--minutes", "5", "--iters", "5"], "give one of them"),
    ],
)
@pytest.mark.usefixtures("data")
def test_mistakes_are_told_in_a_sentence(words, message, capsys):
    code, said = run(capsys, "init", *words)
    assert code == 2
    assert message in said.replace("\n", " ")


@pytest.mark.parametrize("name", ["camvid", "optic_disc", "road"])
def test_real_data_are_understood(name, shared, tmp_path, capsys):
    output = tmp_path / f"{name}.yml"
    assert run(capsys, "init", shared / "data" / name, "--output", output)[0] == 0
    config = yaml.safe_load(output.read_text(encoding="utf-8"))
    assert len(config["train_dataset"]["class_names"]) == {"camvid": 11}.get(name, 2)
    assert [path.name for path in tmp_path.iterdir()] == [output.name]  # the data's own lists are used
