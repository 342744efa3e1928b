"""``segwright val --report``: the page of a real evaluation, by one process and by several."""

import json
import re

import pytest
import torch
from launching import launch

import segwright
from segwright.cli.main import main
from segwright.cli.tables import interval

MODEL = {"type": "UNet", "num_classes": 2}


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "model.pth"
    torch.save(segwright.build_model(MODEL).state_dict(), path)
    return path


@pytest.fixture
def config(toy_config):
    return toy_config("UNet", coef="[1]")


def values(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="values">(.*?)</script>', text, re.S)[1])


def words(config, weights, folder, *more):
    flags = ["--config", config, "--model_path", weights, "--num_workers", 0, "--device", "cpu", "--report", folder]
    return ["val", *map(str, flags), *map(str, more)]


@pytest.mark.usefixtures("one_thread")
def test_the_page_says_what_the_scores_say(config, weights, tmp_path):
    json_file = tmp_path / "scores.json"
    seen = "val_dataset.val_path=train.txt"
    more = ("--json", json_file, "--bootstrap", 50, "--boundary_iou", "--auc_roc", "--opts", seen)
    assert main(words(config, weights, tmp_path / "new" / "out", *more)) == 0
    page = tmp_path / "new" / "out" / "index.html"
    scores, text, found = json.loads(json_file.read_text()), page.read_text(encoding="utf-8"), values(page)
    assert "UNet on toy" in text
    for name in ("mIoU", "Acc", "auc_roc", "boundary_iou"):
        assert f"<dd>{scores[name]:.4f}</dd>" in text
    assert f"95 %: {interval(scores['confidence']['mIoU'])}" in text
    assert "8 of 8 validation pictures are also trained on" in text
    assert "PaddleSeg&#39;s log calls Class Acc" in text
    assert [picture["name"] for picture in found["pictures"]] == [f"{number:02d}.png" for number in range(8)]
    pixels = sum(map(sum, found["counts"]))
    assert pixels == 8 * (40 * 48 - 1)
    assert sum(found["counts"][index][index] for index in range(2)) / pixels == pytest.approx(scores["Acc"])


def test_several_labels_a_pixel_and_folders_that_cannot_be_are_told_before_the_evaluation(
    config, weights, tmp_path, capsys
):
    assert main(words(config, weights, tmp_path / "out", "--use_multilabel")) == 2
    assert "leave out --report" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "file").touch()
    assert main(words(config, weights, tmp_path / "file")) == 2
    assert "cannot write to the folder" in capsys.readouterr().err
    assert "evaluating" not in capsys.readouterr().out


@pytest.mark.slow
def test_two_processes_write_the_page_of_one(config, weights, tmp_path):
    pages = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        code, text = launch(*words(config, weights, folder), processes=processes)
        assert code == 0, text
        pages.append(re.sub(r"<dt>Finished</dt>.*", "", (folder / "index.html").read_text(encoding="utf-8")))
    assert pages[0] == pages[1]
