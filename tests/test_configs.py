"""The files in configs/: each is complete, builds, and has a loss for every output."""

import json
from pathlib import Path

import pytest
import torch
from conftest import SHARED

from segwright import build_model, load_config
from segwright.build import build_losses
from segwright.build.load import model_block
from segwright.engine.objective import Objective

ROOT = Path(__file__).parents[1]
RECORDED = SHARED / "reference" / "configs"
FILES = sorted(path for path in (ROOT / "configs").rglob("*.yml") if path.parent.name != "_base_")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_config_builds_with_a_loss_for_every_output(path):
    config = load_config(path)
    config.require("train_dataset", "val_dataset", "optimizer", "lr_scheduler", "loss", "model", purpose="to train")
    with torch.device("meta"):
        model = build_model(model_block(config))
    Objective.of(build_losses(config.section("loss"))).check(model)


def recording(path: Path) -> Path | None:
    """What PaddleSeg made of its own file of this name."""
    return next(iter(RECORDED.glob(f"*__{path.stem}.json")), None)


@pytest.mark.parametrize("path", [path for path in FILES if recording(path)], ids=lambda path: path.stem)
def test_config_is_what_paddleseg_makes_of_its_file_of_that_name(path):
    wanted = json.loads(recording(path).read_text())["merged_yaml"]
    assert _spelled(load_config(path).to_dict()) == _spelled(wanted)


def _spelled(config: dict) -> dict:
    """Without what one file states and the other leaves to its default or to the data set."""
    config["model"].pop("num_classes", None)
    for name, default in (("align_corners", False), ("pretrained", None)):
        if config["model"].get(name, default) == default:
            config["model"].pop(name, None)
    if len(config["loss"]["types"]) == 1:
        config["loss"]["types"] *= len(config["loss"]["coef"])
    return config


def test_every_model_has_a_config():
    from segwright import models

    named = {load_config(path).to_dict()["model"]["type"] for path in FILES}
    assert set(models.__all__) <= named
