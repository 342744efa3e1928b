"""The files in configs/: each is complete, builds, and has a loss for every output."""

from pathlib import Path

import pytest
import torch

from segwright import build_model, load_config
from segwright.build import build_losses
from segwright.build.load import model_block
from segwright.engine.objective import Objective

ROOT = Path(__file__).parents[1]
FILES = sorted(path for path in (ROOT / "configs").rglob("*.yml") if path.parent.name != "_base_")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_config_builds_with_a_loss_for_every_output(path):
    config = load_config(path)
    config.require("train_dataset", "val_dataset", "optimizer", "lr_scheduler", "loss", "model", purpose="to train")
    with torch.device("meta"):
        model = build_model(model_block(config))
    Objective.of(build_losses(config.section("loss"))).check(model)


def test_every_model_has_a_config():
    from segwright import models

    named = {load_config(path).to_dict()["model"]["type"] for path in FILES}
    assert set(models.__all__) <= named
