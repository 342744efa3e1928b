"""``--use_multilabel`` on the command line."""

import json

import pytest
import torch
from multilabel_data import CONFIG, write_pictures

from segwright.cli.main import main
from segwright.registry import MODELS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(tmp_path):
    root = write_pictures(tmp_path / "data")
    path = tmp_path / "several.yml"
    path.write_text(CONFIG.format(root=root))
    torch.save(MODELS["PerChannel"](3).state_dict(), tmp_path / "model.pth")
    return path


def command(name, config, *more) -> int:
    words = [name, "--config", config, "--model_path", config.parent / "model.pth", *more]
    return main([str(word) for word in words])


def test_val_scores_every_class_by_itself(config):
    folder = config.parent
    assert command("val", config, "--use_multilabel", "--auc_roc", "--num_workers", 0, "--json", folder / "s.json") == 0
    assert json.loads((folder / "s.json").read_text())["class_iou"] == [1, 1, 1]


def test_the_config_may_say_it_and_the_flag_take_it_back(config, capfd):
    config.write_text(config.read_text().replace("num_classes: 3,", "num_classes: 3, multilabel: True,"))
    assert command("val", config, "--num_workers", 0) == 0
    assert command("val", config, "--num_workers", 0, "--use_multilabel", "False") == 2
    assert "say --use_multilabel" in " ".join(capfd.readouterr().err.split())


def test_predict_writes_a_label_file_beside_what_one_looks_at(config):
    folder = config.parent
    assert (
        command("predict", config, "--use_multilabel", "--image_path", folder / "data/0.png", "--save_dir", folder) == 0
    )
    for name in ("added_prediction", "pseudo_color_prediction", "multilabel_prediction"):
        assert (folder / name / "0.png").is_file()


def test_export_would_be_wrong_and_says_so(config, capfd):
    config.write_text(config.read_text().replace("num_classes: 3,", "num_classes: 3, multilabel: True,"))
    assert command("export", config, "--save_dir", config.parent / "exported") == 2
    assert "give one class a pixel" in " ".join(capfd.readouterr().err.split())
    assert not (config.parent / "exported").exists()


def test_named_data_sets_have_one_class_a_pixel(config, capfd):
    config.write_text("val_dataset: {type: CamVid, transforms: []}\nmodel: {type: PerChannel, num_classes: 11}\n")
    assert command("val", config, "--use_multilabel") == 2
    assert "label maps of CamVid hold one class a pixel" in " ".join(capfd.readouterr().err.split())
