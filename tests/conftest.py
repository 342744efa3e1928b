"""Fixtures that every test may use."""

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from toy_data import SHARED, TOY_CONFIG, write_toy_pictures

from segwright.registry import MODELS


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with PaddleSeg's reference numbers and real pictures."""
    if not (SHARED / "reference").is_dir():
        pytest.skip(f"no reference data at {SHARED}; set SEGWRIGHT_SHARED to its folder")
    return SHARED


@pytest.fixture(autouse=True)
def log_as_it_was():
    """The log's handlers after a test are those before it: a command run in this process installs its own."""
    log = logging.getLogger("segwright")
    handlers, level, propagate = list(log.handlers), log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory) -> Path:
    """A data set of two classes that a model learns within seconds. Do not write into it."""
    return write_toy_pictures(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def toy_config(toy_data, tmp_path):
    """Writes a config for the toy data and a model; returns its path."""

    def write(model: str = "BiSeNetV2", coef: str = "[1, 1, 1, 1, 1]", extra: str = "") -> Path:
        path = tmp_path / "toy.yml"
        path.write_text(TOY_CONFIG.format(root=toy_data, model=model, coef=coef) + extra, encoding="utf-8")
        return path

    return write


if "ToyNet" not in MODELS:

    @MODELS.register
    class ToyNet(nn.Module):
        """Two outputs, batch norm and dropout in a few hundred parameters: what a training loop can get wrong."""

        output_names = ("main", "aux")

        def __init__(self, num_classes: int, pretrained: str | None = None) -> None:
            super().__init__()
            self.pretrained = pretrained
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
            self.head = nn.Conv2d(8, num_classes, 1)
            self.aux = nn.Conv2d(8, num_classes, 1)

        def forward(self, image: Tensor) -> list[Tensor]:
            """(N, 3, H, W) -> logits (N, num_classes, H, W), two in training."""
            features = self.stem(image)
            return [self.head(features), self.aux(features)] if self.training else [self.head(features)]


@pytest.fixture
def one_thread():
    """One torch thread while the test runs, so that parallel tests do not fight over cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
