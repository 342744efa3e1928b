"""A network with everything that is hard to export at free sizes, small enough to export in a few seconds."""

import atexit
import shutil
import tempfile
from ast import literal_eval
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.bundle import Preprocessing, label_map
from segwright.export import Bundle, export_model
from segwright.layers import ConvBNReLU, resize_to


class SmallNet(nn.Module):
    """Strided convolutions padded by size, batch norm, a global average, resizes, and a head for training only."""

    output_names = ("main", "extra")

    def __init__(self, num_classes: int = 4) -> None:
        super().__init__()
        self.stem = ConvBNReLU(3, 8, 3, stride=2)
        self.deep = ConvBNReLU(8, 8, 3, stride=2)
        self.head = nn.Conv2d(16, num_classes, 1)
        self.extra = nn.Conv2d(8, num_classes, 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> logits (N, num_classes, H, W), two in training."""
        fine = self.stem(image)
        deep = self.deep(fine)
        deep = resize_to(deep + F.adaptive_avg_pool2d(deep, 1), fine)
        outputs = [self.head(torch.cat([fine, deep], dim=1))]
        if self.training:
            outputs.append(self.extra(fine))
        return [resize_to(logits, image) for logits in outputs]


def small_net(num_classes: int = 4) -> SmallNet:
    """A net whose batch norms have seen pictures and whose classes all occur; in training mode."""
    torch.manual_seed(0)
    net = SmallNet(num_classes)
    with torch.no_grad():
        net.head.weight.mul_(6)
        for _ in range(5):
            net(torch.randn(2, 3, 33, 47))
    return net


TRANSFORMS = [{"type": "Resize", "target_size": [72, 56]}, {"type": "Normalize"}]


def export_small(folder: Path, **changes: Any) -> Bundle:
    """Export ``small_net`` with ``TRANSFORMS``, for 72 x 56 pixels and any batch unless ``changes`` say otherwise."""
    arguments: dict[str, Any] = {
        "transforms": TRANSFORMS,
        "num_classes": 4,
        "input_shape": (1, 3, 56, 72),
        "class_names": ["sky", "road", "car", "tree"],
    }
    return export_model(small_net(), folder, **(arguments | changes))


def small_bundle(folder: Path, **changes: Any) -> Path:
    """A copy of what ``export_small`` writes, for tests that only want an export: one takes a second or two.

    Args:
        folder: is made.
        changes: as in ``export_small``; each set of them is exported once for the whole run.
    """
    return shutil.copytree(_exported(repr(changes)), folder, dirs_exist_ok=True)


@cache
def _exported(changes: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="small_export_"))
    atexit.register(shutil.rmtree, folder)
    return export_small(folder / "bundle", **literal_eval(changes)).folder


def torch_labels(image: np.ndarray) -> np.ndarray:
    """What ``small_net`` predicts behind ``TRANSFORMS``: (H, W, 3) picture -> (H, W) label map."""
    item = Preprocessing(TRANSFORMS)(image)
    with torch.inference_mode():
        logits = small_net().eval()(torch.from_numpy(item.tensor[None]))[0]
    return label_map(logits.argmax(1)[0].numpy(), item.geometry)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8: smooth random colours."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (1, 3, 5, 5)).astype(np.float32)
    fine = F.interpolate(torch.from_numpy(coarse), (height, width), mode="bicubic").clamp(0, 255)
    return fine[0].permute(1, 2, 0).numpy().astype(np.uint8)
