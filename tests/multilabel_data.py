"""Pictures in which every colour channel is a class of its own: bright pixels have it."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from segwright.images import join_maps, write_image, write_label_map
from segwright.registry import MODELS

SIZE = (24, 32)  # height, width
WHITE = [(0, 0, 0), (255, 255, 255)]


def write_pictures(root: Path, *, count: int = 6) -> Path:
    """Rectangles that overlap, and label files of three maps; two thirds in train.txt, the rest in val.txt."""
    rng = np.random.default_rng(5)
    lines = []
    for number in range(count):
        maps = np.zeros((*SIZE, 3), np.uint8)
        for channel in range(3):
            top, left = rng.integers(0, 12), rng.integers(0, 16)
            maps[top : top + 12, left : left + 16, channel] = 1
        image = np.where(maps == 1, rng.integers(160, 256, maps.shape), rng.integers(0, 90, maps.shape))
        maps[0, 0] = (255, 0, 0)  # nothing is known of the first class there
        write_image(root / f"{number}.png", image.astype(np.uint8))
        write_label_map(root / f"{number}_maps.png", join_maps(maps), WHITE)
        lines.append(f"{number}.png {number}_maps.png\n")
    (root / "train.txt").write_text("".join(lines[: count * 2 // 3]))
    (root / "val.txt").write_text("".join(lines[count * 2 // 3 :]))
    return root


CONFIG = """
batch_size: 2
iters: 4
train_dataset: {{type: Dataset, dataset_root: {root}, train_path: train.txt, num_classes: 3,
  transforms: [{{type: RandomPaddingCrop, crop_size: [24, 24]}}, {{type: Normalize}}]}}
val_dataset: {{type: Dataset, dataset_root: {root}, val_path: val.txt, num_classes: 3,
  transforms: [{{type: Normalize}}]}}
optimizer: {{type: SGD, momentum: 0.9}}
lr_scheduler: {{type: PolynomialDecay, learning_rate: 0.1}}
loss:
  types: [{{type: MixedLoss, losses: [{{type: BCELoss}}, {{type: LovaszHingeLoss}}], coef: [0.5, 0.5]}}]
  coef: [1]
model: {{type: PerChannel, num_classes: 3}}
"""


if "PerChannel" not in MODELS:

    @MODELS.register
    class PerChannel(nn.Module):
        """A logit for each colour channel, which is right as it is."""

        output_names = ("main",)

        def __init__(self, num_classes: int, pretrained: str | None = None) -> None:
            super().__init__()
            self.pretrained = pretrained
            self.scale = nn.Parameter(torch.full((num_classes, 1, 1), 4.0))

        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            """(N, 3, H, W) -> logits (N, num_classes, H, W)."""
            channels = image[:, :3] if len(self.scale) == 3 else torch.cat([-image.amax(1, keepdim=True), image], 1)
            return [channels * self.scale]
