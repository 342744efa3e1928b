"""A training run that has all that can go wrong when it is killed, and takes half a minute."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright import atomic
from segwright.images import default_palette, write_image, write_label_map
from segwright.types import Size

HEIGHT, WIDTH = 72, 96  # of the pictures, in pixels
NUM_TRAIN, NUM_VAL = 18, 6

CONFIG = """
batch_size: 4
iters: {iters}
train_dataset:
  type: Dataset
  dataset_root: {root}
  train_path: train.txt
  num_classes: 2
  transforms:
    - {{type: ResizeStepScaling, min_scale_factor: 0.75, max_scale_factor: 1.5, scale_step_size: 0.25}}
    - {{type: RandomPaddingCrop, crop_size: [64, 64]}}
    - type: RandomHorizontalFlip
    - {{type: RandomDistort, brightness_range: 0.3}}
    - type: Normalize
val_dataset:
  type: Dataset
  dataset_root: {root}
  val_path: val.txt
  num_classes: 2
  transforms:
    - type: Normalize
optimizer: {{type: SGD, momentum: 0.9, weight_decay: 4.0e-5}}
lr_scheduler: {{type: PolynomialDecay, learning_rate: 0.01, end_lr: 0, power: 0.9}}
loss:
  types: [{{type: CrossEntropyLoss}}]
  coef: [1, 1, 1, 1, 1]
model: {{type: BiSeNetV2, num_classes: 2}}
"""


@dataclass(frozen=True)
class SmallTraining:
    """BiSeNetV2 on generated pictures: dropout, augmentation, readers, an average of the weights, evaluation.

    Attributes:
        folder: gets data, configuration and whatever the system's libraries keep in temporary files.
        iters: iterations.
        workers: reader processes.
        save_interval: iterations from checkpoint to checkpoint, each with an evaluation.
        keep: checkpoints that stay.
    """

    folder: Path
    iters: int
    workers: int
    save_interval: int = 12
    keep: int = 5

    def prepare(self) -> None:
        """Write pictures, their lists and the configuration."""
        root = self.folder / "data"
        write_pictures(root, num_train=NUM_TRAIN, num_val=NUM_VAL, size=Size(HEIGHT, WIDTH))
        atomic.write_text(self.folder / "config.yml", CONFIG.format(root=root, iters=self.iters))
        self.scratch.mkdir()

    @property
    def scratch(self) -> Path:
        """Where temporary files go that are nobody's output."""
        return self.folder / "tmp"

    def command(self, save_dir: Path) -> list[str]:
        """That starts the run, or goes on with it; a log line an iteration."""
        flags = {
            "config": self.folder / "config.yml",
            "save_dir": save_dir,
            "save_interval": self.save_interval,
            "keep_checkpoint_max": self.keep,
            "num_workers": self.workers,
            "log_iters": 1,
            "device": "cpu",
            "resume_model": "auto",
        }
        named = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
        return [sys.executable, "-m", "segwright", "train", "--do_eval", "--use_ema", *named]

    def environment(self) -> dict[str, str]:
        """One thread computes, so that sums have one order, whatever the machine."""
        return {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.scratch)}


def write_pictures(root: Path, *, num_train: int, num_val: int, size: Size) -> None:
    """Noise with a bright rectangle, class 1, somewhere, and one ignored pixel; listed in train.txt and val.txt."""
    rng = np.random.default_rng(7)
    height, width = size
    lines = []
    for number in range(num_train + num_val):
        image = rng.integers(20, 90, (height, width, 3), dtype=np.uint8)
        label = np.zeros((height, width), np.uint8)
        top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
        label[top : top + height // 3, left : left + width // 3] = 1
        image[label == 1] += 120
        label[0, 0] = 255
        write_image(root / "images" / f"{number:02d}.png", image)
        write_label_map(root / "labels" / f"{number:02d}.png", label, default_palette(2))
        lines.append(f"images/{number:02d}.png labels/{number:02d}.png\n")
    atomic.write_text(root / "train.txt", "".join(lines[:num_train]))
    atomic.write_text(root / "val.txt", "".join(lines[num_train:]))
