"""Configurations of newer PaddleSeg releases hold sections for what flags say."""

import json

import pytest

from segwright.cli.main import main

RUNTIME = """
global: {{data_format: NCHW, device: gpu, num_workers: 0}}
train: {{save_dir: '{saved}', do_eval: False, resume_model: null, save_interval: 4, log_iters: 2, seed: null,
  keep_checkpoint_max: 5, precision: fp32, amp_level: O1, repeats: 1}}
test: {{aug_eval: False, scales: 1.0, flip_horizontal: False, flip_vertical: False, is_slide: False, crop_size: null,
  stride: null, auc_roc: False}}
"""


@pytest.fixture
def config(toy_config, tmp_path):
    """A toy configuration on top of such a file, as PaddleSeg's own files are."""
    (tmp_path / "runtime.yml").write_text(RUNTIME.format(saved=tmp_path / "saved"))
    return toy_config(model="ToyNet", coef="[1, 0.4]", extra="_base_: [runtime.yml]\n")


def test_sections_say_what_flags_leave_open(config, tmp_path, capsys):
    assert main(["train", "--config", str(config), "--iters", "4"]) == 0
    steps = [json.loads(line) for line in (tmp_path / "saved/log.jsonl").read_text().splitlines()]
    assert [step["iter"] for step in steps if "loss" in step] == [2, 4]
    assert (tmp_path / "saved/iter_4").is_dir()
    weights = str(tmp_path / "saved/iter_4")
    assert main(["val", "--config", str(config), "--model_path", weights]) == 0
    assert "mIoU" in capsys.readouterr().out


def test_flags_win_over_sections(config, tmp_path):
    other = tmp_path / "other"
    assert main(["train", "--config", str(config), "--iters", "4", "--save_dir", str(other), "--log_iters", "1"]) == 0
    steps = [json.loads(line) for line in (other / "log.jsonl").read_text().splitlines()]
    assert [step["iter"] for step in steps if "loss" in step] == [1, 2, 3, 4]
    assert not (tmp_path / "saved").exists()


@pytest.fixture
def weights(config, tmp_path):
    """Of two iterations."""
    assert main(["train", "--config", str(config), "--iters", "2"]) == 0
    return tmp_path / "saved/iter_2"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], False),
        (["--auc_roc"], True),
        (["--auc_roc", "True"], True),
        (["--auc_roc", "False"], False),  # any word means True to PaddleSeg
        (["--opts", "test.auc_roc=True"], True),
        (["--opts", "test_config.auc_roc=True"], True),
        (["--auc_roc", "False", "--opts", "test_config.auc_roc=True"], False),
    ],
)
def test_areas_under_roc_curves_are_computed_on_demand(config, weights, tmp_path, capsys, words, wanted):
    scores = tmp_path / "scores.json"
    assert main(["val", "--config", str(config), "--model_path", str(weights), "--json", str(scores), *words]) == 0
    data = json.loads(scores.read_text())
    assert ("auc_roc" in data) is wanted
    assert ("AUC" in capsys.readouterr().out) is wanted
    if wanted:
        assert data["class_auc_roc"] == [data["auc_roc"]] * 2
        assert 0 < data["auc_roc"] <= 1


def test_a_training_scores_as_its_configuration_says(config, tmp_path):
    more = ["--do_eval", "--opts", "test_config.auc_roc=True"]
    assert main(["train", "--config", str(config), "--iters", "2", *more]) == 0
    best = json.loads((tmp_path / "saved/best_model/metrics.json").read_text())
    assert 0 < best["auc_roc"] <= 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("global.data_format=HWC", "data_format: invalid choice: 'HWC'"),
        ("train.amp_level=O2", "amp_level O2 keeps weights in half precision: choose precision fp16 or bf16"),
        ("train.log_iters=0", "at least 1"),
        ("train.precision=fp8", "fp8"),
        ("train.save_intervals=5", "did you mean 'save_interval'"),
        ("test.is_slide=True", "--is_slide needs --crop_size"),
        ("test.auc_roc=no_thanks", "test.auc_roc: want True or False, got 'no_thanks'"),
    ],
)
def test_what_a_section_cannot_ask_for_is_an_error(config, change, complaint, capsys):
    assert main(["train", "--config", str(config), "--iters", "4", "--opts", change]) == 2
    assert complaint in " ".join(capsys.readouterr().err.split())
