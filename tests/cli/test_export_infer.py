"""``segwright export`` and ``segwright infer`` as processes, on a folder of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_net import export_small, picture

from segwright.images import read_label, write_image, write_label_map

PALETTE = [(0, 0, 0), (255, 0, 0)]
NO_TORCH = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "accelerate", "safetensors"):
            raise ImportError(f"{name} was imported")
sys.meta_path.insert(0, Refuse())
from segwright.cli.main import main
sys.exit(main())
"""


def segwright(*words: object, cwd: Path, code: str | None = None) -> subprocess.CompletedProcess:
    start = ["-m", "segwright"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """Two validation pictures in sub-folders, a config, an exported small network."""
    root = tmp_path_factory.mktemp("work")
    for name in ("a/1", "b/1"):
        write_image(root / f"data/images/{name}.jpg", picture(60, 90, seed=ord(name[0])))
        write_label_map(root / f"data/labels/{name}.png", np.zeros((60, 90), np.uint8), PALETTE)
    lines = "".join(f"images/{name}.jpg labels/{name}.png\n" for name in ("a/1", "b/1"))
    (root / "data/val.txt").write_text(lines)
    config = {
        "val_dataset": {
            "type": "Dataset",
            "dataset_root": str(root / "data"),
            "val_path": str(root / "data/val.txt"),
            "num_classes": 2,
            "mode": "val",
            "transforms": [{"type": "Resize", "target_size": [96, 64]}, {"type": "Normalize"}],
        },
        "model": {"type": "BiSeNetV2"},
    }
    (root / "config.yml").write_text(yaml.safe_dump(config))
    export_small(root / "small", input_shape=None)
    return root


@pytest.fixture(scope="module")
def exported(work) -> tuple[Path, subprocess.CompletedProcess]:
    """A BiSeNetV2 with random weights, exported by the command."""
    done = segwright(
        "export", "--config", "config.yml", "--save_dir", "bisenet", "--input_shape", 1, 3, 64, 96, cwd=work
    )
    assert done.returncode == 0, done.stderr
    return work / "bisenet", done


@pytest.mark.slow
def test_export_uses_the_validation_data_and_prints_its_verification(exported):
    folder, done = exported
    deploy = yaml.safe_load((folder / "deploy.yaml").read_text())
    assert [block["type"] for block in deploy["Deploy"]["transforms"]] == ["Resize", "Normalize"]
    assert deploy["Deploy"]["num_classes"] == 2
    assert "largest logit difference" in done.stdout
    assert "the exported weights are random" in done.stdout
    assert read_label(folder / "selftest/mask_1.png").shape == (60, 90)


@pytest.mark.slow
def test_export_then_selftest_without_torch(exported, work):
    done = segwright("infer", "--config", exported[0], "--selftest", cwd=work, code=NO_TORCH)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agreement 100.0000 %: passed") == 2


@pytest.mark.slow
def test_export_of_a_config_that_holds_only_a_model(work):
    (work / "model.yml").write_text("model: {type: BiSeNetV2, num_classes: 19}")
    done = segwright("export", "--config", "model.yml", "--save-dir", "only", "--input_shape", 1, 3, 32, 64, cwd=work)
    assert done.returncode == 0, done.stderr
    assert "no validation transforms" in done.stdout
    assert yaml.safe_load((work / "only/deploy.yaml").read_text())["Deploy"]["num_classes"] == 19


def test_export_flags_that_contradict_each_other(work):
    done = segwright("export", "--config", "config.yml", "--output_op", "argmax", "--with_softmax", cwd=work)
    assert done.returncode == 2
    assert "--output_op argmax and --with_softmax" in done.stderr
    assert "Traceback" not in done.stderr


def test_r19_infer_keeps_sub_folders_and_needs_no_torch(work):
    done = segwright(
        "infer", "--config", "small/deploy.yaml", "--image_path", "data/images", "--save_dir", "maps",
        "--batch_size", 2, cwd=work, code=NO_TORCH,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    maps = [read_label(work / f"maps/{name}.png") for name in ("a/1", "b/1")]
    assert [label.shape for label in maps] == [(60, 90), (60, 90)]
    assert (maps[0] != maps[1]).any()
    assert (work / "maps/added_prediction/b/1.jpg").is_file()


def test_infer_takes_words_for_booleans_and_every_default(work):
    done = segwright(
        "infer", "--config", "small", "--image_path", "data/images/a/1.jpg", "--save_dir", "words", "--device", "cpu",
        "--use_trt", "False", "--precision", "fp32", "--use_int8", "False", "--min_subgraph_size", 3,
        "--enable_auto_tune", "False", "--auto_tuned_shape_file", "auto_tune_tmp.pbtxt", "--cpu_threads", 10,
        "--enable_mkldnn", "False", "--benchmark", "False", "--model_name", "x", "--with_argmax", "--print_detail",
        "False", cwd=work,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (work / "words/1.png").is_file()
    assert "ends in argmax already" in done.stdout
    assert "threads" not in done.stdout


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        (["--use_trt"], "--device gpu"),
        (["--use_trt", "True", "--device", "gpu"], "onnxruntime-gpu"),
        (["--device", "gpu"], "onnxruntime-gpu"),
        (["--precision", "fp16"], "--use_trt"),
        (["--precision", "int8"], "quantised"),
        (["--use_int8"], "quantised"),
        (["--use_int8", "--precision", "fp16"], "contradict"),
        (["--min_subgraph_size", "9"], "--use_trt"),
        (["--enable_auto_tune"], "Paddle Inference"),
        (["--auto_tuned_shape_file", "x"], "--enable_auto_tune"),
        (["--enable_mkldnn"], "oneDNN"),
    ],
)
def test_infer_flags_that_cannot_be_honoured(work, flags, remedy, monkeypatch, capsys):
    from segwright.cli.main import main

    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    code = main(["infer", "--config", str(work / "small"), "--image_path", str(work / "data/images"), *flags])
    assert code == 2
    assert remedy in " ".join(capsys.readouterr().err.split())


def test_infer_goes_on_after_a_broken_picture_and_names_it(work):
    broken = work / "broken"
    write_image(broken / "good.png", picture(20, 30))
    (broken / "bad.jpg").write_bytes((work / "data/images/a/1.jpg").read_bytes()[:500])
    done = segwright("infer", "--config", "small", "--image_path", broken, "--save_dir", "rest", cwd=work)
    assert done.returncode == 2
    assert "1 of 2 pictures were not predicted" in " ".join(done.stderr.split())
    assert "bad.jpg" in done.stderr
    assert (work / "rest/good.png").is_file()
    assert not (work / "rest/bad.png").exists()


def test_infer_benchmark_writes_its_figures(work):
    done = segwright(
        "infer", "--config", "small", "--image_path", "data/images", "--save_dir", "bench", "--benchmark",
        "--batch_size", 2, "--cpu_threads", 1, "--model_name", "small net", cwd=work,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((work / "bench/benchmark.json").read_text())
    assert result["model_name"] == "small net"
    assert (result["warmup"], result["runs"], result["batch_size"]) == (5, 20, 2)
    assert set(result["steps"]) == {"preprocess", "inference", "postprocess", "total"}
    for timing in result["steps"].values():
        assert 0 < timing["p50"] <= timing["p95"]
    assert result["input_shapes"] == [[2, 3, 56, 72]]
    assert result["environment"]["cpu_threads"] == 1
    assert result["images_per_second"] > 0
    assert "preprocess" in done.stdout


def test_infer_selftest_fails_with_1_when_pixels_differ(work, capsys):
    from segwright.bundle import file_hash
    from segwright.cli.main import main

    folder = export_small(work / "spoilt").folder
    mask = read_label(folder / "selftest/mask_1.png")
    mask[:3] = (mask[:3] + 1) % 4
    write_label_map(folder / "selftest/mask_1.png", mask, [(0, 0, 0)] * 4)
    content = yaml.safe_load((folder / "deploy.yaml").read_text())
    for file in content["files"]:
        file["sha256"] = file_hash(folder / file["path"])
    (folder / "deploy.yaml").write_text(yaml.safe_dump(content))
    assert main(["infer", "--config", str(folder), "--selftest"]) == 1
    out = capsys.readouterr().out
    assert "216 of 4032 pixels differ" in out
    assert "FAILED" in out


def test_infer_without_pictures_says_what_to_give(work, capsys):
    from segwright.cli.main import main

    assert main(["infer", "--config", str(work / "small")]) == 2
    assert "--image_path" in capsys.readouterr().err


def test_export_normalisation_that_differs_from_validation_is_noticed(work, caplog, monkeypatch):
    from segwright.build import load_config
    from segwright.cli.export import choose_transforms

    monkeypatch.setattr("logging.Logger.propagate", True, raising=False)
    content = yaml.safe_load((work / "config.yml").read_text())
    content["export"] = {"transforms": [{"type": "Normalize", "mean": [0.1], "std": [0.5]}]}
    (work / "other.yml").write_text(yaml.safe_dump(content))
    blocks = choose_transforms(load_config(work / "other.yml"))
    assert blocks == content["export"]["transforms"]
    assert "predictions of the exported model will differ" in caplog.text
    caplog.clear()
    content["export"]["transforms"] = [{"type": "Normalize"}]
    (work / "other.yml").write_text(yaml.safe_dump(content))
    choose_transforms(load_config(work / "other.yml"))
    assert caplog.text == ""
