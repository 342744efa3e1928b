"""Logits by sliding windows, scales and flips, brought back to the picture's size.

The folder's other recordings are of Paddle's own operators; the layers' tests have those that differ from PyTorch's.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parity.comparison import Comparison, Difference, absolute
from segwright.engine.inference import Procedure, infer
from segwright.transforms import restore_scores
from segwright.types import Padded, Resized, Size

LOGITS = 2e-6  # of at most 1; float32 on both sides
RESTORED = 1e-5  # OpenCV on both sides
STEPS = {"resize": Resized, "padding": Padded}


class Toy(nn.Module):
    """The network of the recordings: a strided convolution, brought back to the input's size."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, image: Tensor) -> list[Tensor]:
        coarse = torch.tanh(F.conv2d(image, self.weight, self.bias, stride=4, padding=1))
        return [F.interpolate(coarse, image.shape[2:], mode="bilinear", align_corners=False)]


def cases(folder: Path) -> list[Comparison]:
    """Every recorded way from a picture to its logits, and of logits to the picture's size."""
    if not folder.is_dir():
        return []
    comparisons = []
    for case in json.loads((folder / "cases.json").read_text()):
        if case["fn"] in ("slide_inference", "inference", "aug_inference"):
            comparisons.append(Comparison(case["key"], partial(_logits, case, folder / "data.npz")))
        elif case["fn"] == "reverse_transform" and case["mode"] == "bilinear":
            comparisons.append(Comparison(case["key"], partial(_restored, case, folder / "data.npz")))
    return comparisons


def _logits(case: dict[str, Any], arrays: Path) -> list[Difference]:
    with np.load(arrays) as data:
        model = Toy(torch.from_numpy(data["weight"]), torch.from_numpy(data["bias"]))
        image, wanted = torch.from_numpy(data["x"]), data[f"{case['key']}|logit"]
    procedure = Procedure.from_flags(
        augment=case["fn"] == "aug_inference",
        scales=case.get("scales", 1.0),
        flip_horizontal=case.get("flip_horizontal", False),
        flip_vertical=case.get("flip_vertical", False),
        is_slide=case["fn"] == "slide_inference" or case.get("is_slide", False),
        crop_size=case.get("crop_size", case.get("crop_size_wh")),
        stride=case.get("stride", case.get("stride_wh")),
    )
    found = infer(model, image, _geometry(case), procedure).numpy()
    return [Difference("logits", absolute(found, wanted), LOGITS)]


def _restored(case: dict[str, Any], arrays: Path) -> list[Difference]:
    with np.load(arrays) as data:
        scores, wanted = (data[key][0].transpose(1, 2, 0) for key in (case["input"], case["key"]))
    found = restore_scores(np.ascontiguousarray(scores), _geometry(case))
    return [Difference("scores", absolute(found, wanted), RESTORED)]


def _geometry(case: dict[str, Any]) -> list[Padded | Resized]:
    return [STEPS[kind](Size(*before)) for kind, before in case.get("trans_info", [])]
