"""Eight updates of a small network."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from parity.comparison import Comparison, Difference, missing_types, relative
from parity.recipe import filled
from segwright.optim import PolynomialDecay
from segwright.registry import OPTIMIZERS

TOLERANCE = 2e-5  # float32 on both sides
UPDATES = 8
NOISE = "backbone.0.bias"  # in front of batch normalisation: rounding noise moves it, and Adam's steps are never small


class Toy(nn.Module):
    """The network of the recordings: (N, 3, H, W) -> (N, 3, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.norm(self.backbone(image)))


def cases(folder: Path) -> list[Comparison]:
    """Every recording: SGD, Adam and AdamW with groups, decay and clipping."""
    if not folder.is_dir():
        return []
    recorded = json.loads((folder / "cases.json").read_text())
    comparisons = []
    for case in recorded["cases"]:
        left_out = missing_types(case["optimizer"], OPTIMIZERS)
        measure = partial(_compare, case, recorded, folder / "data.npz")
        comparisons.append(Comparison(case["name"], list if left_out else measure, left_out))
    return comparisons


def _compare(case: dict[str, Any], recorded: dict[str, Any], arrays: Path) -> list[Difference]:
    """Losses before each update, and the parameters after the last."""
    with np.load(arrays) as data:
        image, target = torch.from_numpy(data["x"]), torch.from_numpy(data["target"])
        wanted = {name: data[f"{case['name']}|{name}"] for name, _ in Toy().named_parameters()}
    model = Toy().train()
    for name, parameter in model.named_parameters():
        parameter.data = torch.from_numpy(filled(recorded["seed"], name, list(parameter.shape), gain=1.0))
    block = dict(case["optimizer"])
    optimizer = OPTIMIZERS[block.pop("type")](model, case["base_lr"], **block)
    schedule = PolynomialDecay(optimizer, case["base_lr"], 10, end_lr=0, power=0.9)

    losses = []
    for _ in range(UPDATES):
        loss = (model(image) - target).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()

    differences = [Difference(f"{UPDATES} losses", relative(np.array(losses), np.array(case["losses"])), TOLERANCE)]
    for name, parameter in model.named_parameters():
        if name != NOISE:
            distance = relative(parameter.detach().numpy(), wanted[name])
            differences.append(Difference(f"{name} after {UPDATES} updates", distance, TOLERANCE))
    return differences
