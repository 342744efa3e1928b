"""A small data set, a configuration for it, and where reference numbers lie."""

import os
from pathlib import Path

from campaigns.small_training import write_pictures
from segwright.types import Size

SHARED = Path(os.environ.get("SEGWRIGHT_SHARED", Path(__file__).parents[2] / "shared"))

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


def write_toy_pictures(root: Path, *, count: int = 12, width: int = 48, height: int = 40) -> Path:
    """Pictures of two classes, two thirds of them to train on."""
    write_pictures(root, num_train=count * 2 // 3, num_val=count - count * 2 // 3, size=Size(height, width))
    return root
