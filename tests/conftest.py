"""Fixtures that every test may use."""

import logging
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from campaigns.small_training import write_pictures
from segwright.registry import MODELS
from segwright.types import Size

SHARED = Path(os.environ.get("SEGWRIGHT_SHARED", Path(__file__).parents[2] / "shared"))


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


def write_toy_pictures(root: Path, *, count: int = 12, width: int = 48, height: int = 40) -> Path:
    """Pictures of two classes, two thirds of them to train on."""
    write_pictures(root, num_train=count * 2 // 3, num_val=count - count * 2 // 3, size=Size(height, width))
    return root


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory) -> Path:
    """A data set of two classes that a model learns within seconds. Do not write into it."""
    return write_toy_pictures(tmp_path_factory.mktemp("toy"))


TOY_CONFIG = """
batch_size: 4
iters: 8
train_dataset:
  type: Dataset
  dataset_root: {root}
  train_path: train.txt
  num_classes: 2
  transforms:
    - type: RandomHorizontalFlip
    - {{type: RandomDistort, brightness_range: 0.2}}
    - type: Normalize
val_dataset:
  type: Dataset
  dataset_root: {root}
  val_path: val.txt
  num_classes: 2
  transforms:
    - type: Normalize
optimizer: {{type: SGD, momentum: 0.9, weight_decay: 4.0e-5}}
lr_scheduler: {{type: PolynomialDecay, learning_rate: 0.02, end_lr: 0, power: 0.9}}
loss:
  types: [{{type: CrossEntropyLoss}}]
  coef: {coef}
model: {{type: {model}}}
"""


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
