"""Weights to start training from: what fits is taken, the rest is said; and weights to use: all or none."""

import logging

import pytest
import torch
from small_model import Small, as_paddle, assert_state, random_state, write_pdparams
from torch import nn

import segwright
from segwright.build import load_config
from segwright.cli.setup import build_model_to_train, build_model_with_weights
from segwright.errors import WeightsError
from segwright.weights import load_finetune, load_pretrained, save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


class Segmenter(nn.Module):
    """A model on a backbone; never run."""

    def __init__(self, backbone: str | None = None, pretrained: str | None = None) -> None:
        super().__init__()
        self.backbone = Small()
        self.backbone.pretrained = backbone
        self.pretrained = pretrained
        self.head = nn.Conv2d(4, 2, 1)


def test_nothing_happens_where_no_file_is_named(caplog):
    assert load_pretrained(Segmenter()) == ()
    assert load_pretrained(nn.Linear(2, 2)) == ()
    assert caplog.text == ""


def test_the_backbone_takes_what_it_needs_of_a_classifier(tmp_path, caplog):
    entries = as_paddle(random_state())
    entries["classifier.weight"] = entries["alpha"]
    model = Segmenter(backbone=str(write_pdparams(tmp_path / "imagenet.pdparams", entries)))
    with caplog.at_level(logging.INFO, "segwright"):
        (report,) = load_pretrained(model)
    assert_state(model.backbone, random_state())
    assert report.unexpected == ("classifier.weight",)
    assert "unexpected  classifier.weight" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_the_models_own_weights_win_over_the_backbones(tmp_path):
    write_pdparams(tmp_path / "imagenet.pdparams", as_paddle(random_state(seed=1)))
    whole = Segmenter()
    save_weights(whole, tmp_path / "whole.safetensors")
    model = Segmenter(str(tmp_path / "imagenet.pdparams"), str(tmp_path / "whole.safetensors"))
    assert [report.complete for report in load_pretrained(model)] == [True, True]
    torch.testing.assert_close(model.state_dict(), whole.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("key", ["backbone.pretrained", "pretrained"])
def test_errors_name_the_key(tmp_path, key):
    path = str(write_pdparams(tmp_path / "other.pdparams", {"stem": as_paddle(random_state())["alpha"]}))
    with pytest.raises(WeightsError, match=rf"^{key}: .*other\.pdparams holds no variable that fits"):
        load_pretrained(Segmenter(**{"backbone" if "backbone" in key else "pretrained": path}))


def test_r37_less_than_half_of_a_model_is_doubted(tmp_path, caplog):
    entries = dict(list(as_paddle(random_state()).items())[:6])
    load_pretrained(Segmenter(backbone=str(write_pdparams(tmp_path / "half.pdparams", entries))))
    assert "6/13 variables loaded into Small" in caplog.text
    assert "less than half of Small: is it the right file?" in caplog.text


@pytest.fixture
def toy(toy_config, tmp_path):
    """A config of the toy net, and its weights for another number of classes, which it names as pretrained."""
    path = tmp_path / "three.safetensors"
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 3}), path)
    return load_config(toy_config("ToyNet", "[1, 1]"), [f"model.pretrained={path}"])


def test_r33_training_keeps_its_own_head_where_classes_differ_and_says_so(toy, tmp_path, caplog):
    model = build_model_to_train(toy, resumed=False)
    stored = segwright.weights.read_weights(tmp_path / "three.safetensors")
    assert torch.equal(model.stem[0].weight, torch.from_numpy(stored["stem.0.weight"]))
    assert "6/10 variables loaded into ToyNet" in caplog.text
    assert "mismatched  head.weight  3x8x1x1 in the file, 2x8x1x1 in the model" in caplog.text
    assert "num_classes: 3, while the model has 2" in caplog.text


def test_a_resumed_run_reads_no_pretrained_weights(toy, tmp_path):
    (tmp_path / "three.safetensors").unlink()
    build_model_to_train(toy, resumed=True)
    with pytest.raises(WeightsError, match=r"model\.pretrained: no weights at"):
        build_model_to_train(toy, resumed=False)


def test_r33_a_model_to_be_used_wants_every_variable(toy, tmp_path):
    with pytest.raises(WeightsError, match=r"model\.pretrained: .* fits ToyNet only partly: 6 variables match"):
        build_model_with_weights(toy)
    with pytest.raises(WeightsError, match=r"^\S*three\.safetensors fits ToyNet only partly"):
        build_model_with_weights(toy, tmp_path / "three.safetensors")


def test_r33_r37_finetuning_takes_all_but_the_head_of_other_classes(tmp_path, caplog):
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 3}), tmp_path / "model.safetensors")
    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    head = model.head.weight.detach().clone()
    with caplog.at_level(logging.INFO, "segwright"):
        report = load_finetune(model, tmp_path)
    stored = segwright.weights.read_weights(tmp_path / "model.safetensors")
    assert torch.equal(model.stem[0].weight, torch.from_numpy(stored["stem.0.weight"]))
    assert torch.equal(model.head.weight, head)
    assert len(report.mismatched) == 4
    assert "6/10 variables loaded into ToyNet" in caplog.text
    assert "mismatched  head.weight  3x8x1x1 in the file, 2x8x1x1 in the model" in caplog.text
    assert "starts from random numbers" in caplog.text


def test_finetuning_on_the_same_classes_takes_everything(tmp_path, caplog):
    path = write_pdparams(tmp_path / "same.pdparams", as_paddle(random_state()))
    model = Small()
    with caplog.at_level(logging.INFO, "segwright"):
        assert load_finetune(model, path).complete
    assert_state(model, random_state())
    assert caplog.text.rstrip().endswith("13/13 variables loaded into Small")


@pytest.mark.parametrize(
    ("entries", "complaint"), [(6, "only 6/13 variables loaded into Small, less than half"), (0, "no variable")]
)
def test_r37_finetuning_from_less_than_half_is_refused_and_changes_nothing(tmp_path, entries, complaint):
    kept = dict(list(as_paddle(random_state()).items())[:entries])
    path = write_pdparams(tmp_path / "other.pdparams", kept or {"stem": as_paddle(random_state())["alpha"]})
    model = Small()
    before = {name: value.clone() for name, value in model.state_dict().items() if value.ndim}
    with pytest.raises(WeightsError, match=complaint):
        load_finetune(model, path)
    assert_state(model, before)
