"""What ``segwright val`` tells beyond the scores of a model."""

import csv
import json

import pytest
import torch
from safetensors.torch import save_file

from segwright.cli.main import main
from segwright.registry import MODELS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def val(toy_config, tmp_path):
    """Runs ``segwright val`` on a model of random weights with further flags; returns the exit code."""
    torch.manual_seed(0)
    weights = tmp_path / "model.safetensors"
    save_file(MODELS["ToyNet"](2).state_dict(), weights)
    config = toy_config("ToyNet", "[1, 1]")

    def run(*flags: object) -> int:
        words = ("val", "--config", config, "--model_path", weights, "--num_workers", 0, "--device", "cpu", *flags)
        return main([str(word) for word in words])

    return run


def test_further_scores_are_printed_and_written(val, tmp_path, capsys):
    table, file = tmp_path / "new/per_image.csv", tmp_path / "scores.json"
    assert val("--boundary_iou", "--bootstrap", 30, "--per_image", table, "--json", file, "--batch_size", 4) == 0
    scores = json.loads(file.read_text())
    low, high = scores["confidence"]["mIoU"]
    assert low <= scores["mIoU"] <= high
    assert scores["confidence"]["resamples"] == 30
    assert len(scores["class_boundary_iou"]) == len(scores["confidence"]["class_iou"]) == 2
    assert scores["conventions"]["Acc"].startswith("pixel accuracy")
    assert "caution" not in scores
    rows = list(csv.DictReader(table.open()))
    assert [row["file"].rsplit("/", 1)[1] for row in rows] == ["08.png", "09.png", "10.png", "11.png"]
    assert (rows[0]["width"], rows[0]["height"]) == ("48", "40")
    assert {row["confused_label"] for row in rows} <= {"0", "1"}
    text = " ".join(capsys.readouterr().out.split())
    assert f"95% of 30 resamples of the pictures: mIoU {low:.4f}-{high:.4f}" in text
    assert f"boundary IoU {scores['boundary_iou']:.4f}" in text
    assert "Acc is pixel accuracy; precision is what PaddleSeg's log calls Class Acc" in text


def test_r18_pictures_that_were_trained_on_are_a_caution_beside_every_score(val, tmp_path, capsys):
    file = tmp_path / "scores.json"
    assert val("--json", file, "--opts", "val_dataset.val_path=train.txt") == 0
    assert "8 of 8 validation pictures are also trained on" in json.loads(file.read_text())["caution"]
    assert "8 of 8 validation pictures are also trained on" in " ".join(capsys.readouterr().out.split())


def test_r15_all_means_are_written_where_the_treatment_of_absent_classes_matters(val, tmp_path):
    file = tmp_path / "scores.json"
    weights = tmp_path / "three.safetensors"
    save_file(MODELS["ToyNet"](3).state_dict(), weights)
    classes = ("--opts", "train_dataset.num_classes=3", "val_dataset.num_classes=3")
    for absent in ("one", "zero", "skip"):
        assert val("--model_path", weights, "--json", file, "--absent", absent, *classes) == 0
        scores = json.loads(file.read_text())
        means = scores["conventions"].get("mIoU", dict.fromkeys(("one", "zero", "skip"), scores["mIoU"]))
        assert means[absent] == scores["mIoU"]


def test_intervals_of_one_picture_are_refused_before_it_is_looked_at(val, toy_data, tmp_path, capsys):
    (tmp_path / "one.txt").write_text((toy_data / "val.txt").read_text().splitlines()[0])
    assert val("--bootstrap", "--opts", f"val_dataset.val_path={tmp_path / 'one.txt'}") == 2
    captured = capsys.readouterr()
    assert "there is one picture: leave out --bootstrap" in " ".join(captured.err.split())
    assert "Start evaluating" not in captured.out


def test_windows_are_blended_and_batched_by_flags(val, tmp_path, capsys):
    scores = []
    slide = ("--is_slide", "--crop_size", 16, 16, "--stride", 8, 8)
    for flags in ((), slide, (*slide, "--batch_pixels", 256), (*slide, "--blend", "gaussian")):
        file = tmp_path / f"{len(scores)}.json"
        assert val(*flags, "--json", file) == 0
        scores.append(json.loads(file.read_text())["Acc"])
    assert scores[1] == scores[2]
    assert len(set(scores)) == 3
    assert val("--blend", "gaussian") == 2
    assert "do nothing without --is_slide" in " ".join(capsys.readouterr().err.split())
