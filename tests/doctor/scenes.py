"""A small data set without a fault: coloured shapes on soft ground, their label maps exact."""

from pathlib import Path

import cv2
import numpy as np

from segwright.images import default_palette, write_image, write_label_map

HEIGHT, WIDTH = 120, 160
NUM_TRAIN, NUM_VAL = 20, 8

CONFIG = """
batch_size: 4
iters: 100
train_dataset:
  type: Dataset
  dataset_root: {root}
  train_path: train.txt
  num_classes: {num_classes}
  transforms:
    - {{type: RandomPaddingCrop, crop_size: [128, 96]}}
    - type: RandomHorizontalFlip
    - type: Normalize
val_dataset:
  type: Dataset
  dataset_root: {root}
  val_path: val.txt
  num_classes: {num_classes}
  transforms:
    - type: Normalize
optimizer: {{type: SGD, momentum: 0.9, weight_decay: 4.0e-5}}
lr_scheduler: {{type: PolynomialDecay, learning_rate: 0.02, end_lr: 0, power: 0.9}}
loss:
  types: [{{type: CrossEntropyLoss}}]
  coef: [1, 1]
model: {{type: ToyNet}}
"""


def scene(seed: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture, (HEIGHT, WIDTH, 3) uint8, and its label map: a disc for each class but the first, a box on top."""
    rng = np.random.default_rng([seed, num_classes])
    coarse = rng.integers(60, 190, (6, 8, 3), np.uint8)
    image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value in range(1, num_classes):
        colour = rng.choice([0, 255], 3).tolist()
        centre = int(rng.integers(30, WIDTH - 30)), int(rng.integers(30, HEIGHT - 30))
        radius = int(rng.integers(14, 24))
        corner = int(rng.integers(5, WIDTH - 45)), int(rng.integers(5, HEIGHT - 35))
        far = corner[0] + int(rng.integers(18, 40)), corner[1] + int(rng.integers(14, 30))
        for canvas, paint in ((image, colour), (label, value)):
            cv2.circle(canvas, centre, radius, paint, -1)
            cv2.rectangle(canvas, corner, far, paint, -1)
    noise = rng.normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), label


def write_scenes(root: Path, num_classes: int) -> Path:
    """Fill a folder: pictures, label maps, lists and ``toy.yml``."""
    seed = 0
    for split, number in (("train", NUM_TRAIN), ("val", NUM_VAL)):
        lines = []
        for index in range(number):
            image, label = scene(seed, num_classes)
            seed += 1
            names = f"images/{split}_{index:02d}.png", f"labels/{split}_{index:02d}.png"
            write_image(root / names[0], image)
            write_label_map(root / names[1], label, default_palette(num_classes))
            lines.append(" ".join(names))
        (root / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "toy.yml").write_text(CONFIG.format(root=root, num_classes=num_classes), encoding="utf-8")
    return root
