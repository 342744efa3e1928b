"""``segwright data pack`` and ``segwright analyse data`` as they are typed."""

import json

import numpy as np
import pytest
import yaml

from segwright.build import build_dataset, load_config
from segwright.cli.main import main
from segwright.datasets.packed_write import pack
from segwright.engine.precheck import overlap


def run(capsys, *words: object) -> tuple[int, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_what_pack_prints_trains_from_the_shards(toy_config, tmp_path, capsys):
    config = toy_config()
    out = tmp_path / "packed: set"
    code, text = run(capsys, "data", "pack", "--config", config, "--out", out, "--shard-mb", 1)
    assert code == 0
    block = yaml.safe_load(text[text.index("train_dataset:") :])
    assert block["train_dataset"].keys() == {"type", "index", "num_classes"}

    data = yaml.safe_load(config.read_text())
    original = build_dataset(load_config(config).section("train_dataset"))
    data["train_dataset"] = {**block["train_dataset"], "transforms": data["train_dataset"]["transforms"]}
    config.write_text(yaml.safe_dump(data))
    packed = build_dataset(load_config(config).section("train_dataset"))
    for index in range(len(original)):
        assert all(np.array_equal(*pair) for pair in zip(packed.item(index, 1), original.item(index, 1), strict=True))


def test_the_block_names_files_as_configurations_do(toy_config, tmp_path, capsys, monkeypatch):
    config = toy_config()
    monkeypatch.chdir(tmp_path)
    _, text = run(capsys, "data", "pack", "--config", config, "--out", "packed set")
    assert yaml.safe_load(text[text.index("train_dataset:") :])["train_dataset"]["index"] == "packed set/index.json"


def test_r18_a_picture_is_found_in_shards_and_in_files(toy_config, tmp_path):
    config = load_config(toy_config())
    train = build_dataset(config.section("train_dataset"))
    val = build_dataset(config.section("val_dataset"))
    index = pack(train, tmp_path / "packed", shard_size=1 << 20)
    block = {"type": "Packed", "index": str(index), "num_classes": 2, "transforms": [{"type": "Normalize"}]}
    packed = build_dataset(block)
    assert overlap(packed, val) == ""
    assert "8 of 8 validation pictures are also trained on" in overlap(packed, train)
    assert "8 of 8 validation pictures are also trained on" in overlap(train, packed)


def test_the_section_may_be_another(toy_config, tmp_path, capsys):
    code, text = run(
        capsys, "data", "pack", "--config", toy_config(), "--section", "val_dataset", "--out", tmp_path / "out"
    )
    assert code == 0
    assert "4 samples are in" in text
    assert (tmp_path / "out" / "val-000000.tar").is_file()


def test_analyse_prints_and_writes_the_same_numbers(toy_config, tmp_path, capsys):
    file = tmp_path / "new" / "time.json"
    code, text = run(
        capsys, "analyse", "data", "--config", toy_config(), "--samples", 8, "--step_ms", 0.001, "--json", file
    )
    assert code == 0
    report = json.loads(file.read_text())
    assert report["samples"] == 8
    assert report["batch_size"] == 4
    stages = [row["stage"] for row in report["stages"]]
    assert stages[:2] == ["read files", "decode picture"]
    assert "RandomDistort" in stages
    assert all(stage in text for stage in stages)
    assert sum(row["share"] for row in report["stages"]) == pytest.approx(1)
    assert report["samples_per_second"] == pytest.approx(1000 / report["sample_ms"])
    assert report["readers_needed"] == pytest.approx(4 * report["sample_ms"] / 0.001, abs=1)
    assert f"need --num_workers {report['readers_needed']}" in text


def test_validation_data_are_analysed_one_by_one(toy_config, capsys):
    code, text = run(capsys, "analyse", "data", "--config", toy_config(), "--section", "val_dataset")
    assert code == 0
    assert "a batch of 1 every" in text


@pytest.mark.parametrize("words", [("data",), ("analyse",)])
def test_a_family_of_commands_wants_one_of_them(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err


def test_flags_of_nested_commands_are_corrected_and_may_be_debugged(toy_config, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["data", "pack", "--config", "x.yml", "--out", "y", "--shart_mb", "3"])
    assert "did you mean --shard_mb?; see segwright data pack --help" in " ".join(capsys.readouterr().err.split())
    code, text = run(
        capsys, "analyse", "data", "--config", toy_config(), "--step_ms", -1, "--json", tmp_path / "x.json", "--debug"
    )
    assert code == 2
    assert "Traceback" in text
    assert "--step_ms is the time of a training step in milliseconds, got -1" in text


def test_a_section_that_is_not_there_is_told(toy_config, tmp_path, capsys):
    config = toy_config()
    data = yaml.safe_load(config.read_text())
    del data["val_dataset"]
    config.write_text(yaml.safe_dump(data))
    code, text = run(capsys, "data", "pack", "--config", config, "--section", "val_dataset", "--out", tmp_path)
    assert code == 2
    assert "has no val_dataset, which is needed to pack its data" in " ".join(text.split())
