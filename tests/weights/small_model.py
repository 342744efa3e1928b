"""A small module with every kind of renaming, and the file that Paddle would write for it."""

import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn


class Head(nn.Module):
    paddle_names: ClassVar = {"conv_1x1": "classify"}

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.classify = nn.Conv2d(4, num_classes, 1)


class Small(nn.Module):
    """Never run; only its variables matter."""

    paddle_names: ClassVar = {"db.convs": "detail", "aux_head1": "heads.0", "aux_head2": "heads.1", "alpha": "scale"}

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.detail = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.heads = nn.ModuleList([Head(num_classes), Head(num_classes)])
        self.fc = nn.Linear(4, 4)  # square, so that only its content tells whether it was transposed
        self.scale = nn.Parameter(torch.zeros(4))


PADDLE_NAMES = {
    "detail.0.weight": "db.convs.0.weight",
    "detail.0.bias": "db.convs.0.bias",
    "detail.1.weight": "db.convs.1.weight",
    "detail.1.bias": "db.convs.1.bias",
    "detail.1.running_mean": "db.convs.1._mean",
    "detail.1.running_var": "db.convs.1._variance",
    "heads.0.classify.weight": "aux_head1.conv_1x1.weight",
    "heads.0.classify.bias": "aux_head1.conv_1x1.bias",
    "heads.1.classify.weight": "aux_head2.conv_1x1.weight",
    "heads.1.classify.bias": "aux_head2.conv_1x1.bias",
    "fc.weight": "fc.weight",
    "fc.bias": "fc.bias",
    "scale": "alpha",
}


def random_state(num_classes: int = 2, seed: int = 5) -> dict[str, Tensor]:
    """Random values under our names."""
    torch.manual_seed(seed)
    return {name: torch.randn(value.shape) for name, value in Small(num_classes).state_dict().items() if value.ndim}


def as_paddle(state: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Paddle's names and layout; a linear layer's weight is [in, out] there."""
    return {PADDLE_NAMES[name]: (value.T if name == "fc.weight" else value).numpy() for name, value in state.items()}


def write_pdparams(path: Path, entries: dict, protocol: int = 4) -> Path:
    """What paddle.save leaves on the disk."""
    table = {name: f"var_{number}" for number, name in enumerate(entries)}
    path.write_bytes(pickle.dumps({**entries, "StructuredToParameterName@@": table}, protocol=protocol))
    return path


def assert_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    found = {name: value for name, value in model.state_dict().items() if value.ndim}
    torch.testing.assert_close(found, state, rtol=0, atol=0)
