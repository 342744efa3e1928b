"""Weights and pictures of the recorded cases, rebuilt from seeds as the recipe beside the recordings says."""

import json
import math
import pickle
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import segwright


@dataclass(frozen=True)
class Case:
    """One recording: how PaddleSeg was asked (``facts``), and what it answered (``numbers``)."""

    name: str
    facts: dict[str, Any]
    numbers: dict[str, np.ndarray]

    @classmethod
    def read(cls, path: Path) -> "Case":
        """From ``path`` with the suffixes .json and .npz."""
        facts = json.loads(path.with_suffix(".json").read_text())
        return cls(path.with_suffix("").name, facts, dict(np.load(path.with_suffix(".npz"))))

    @property
    def training(self) -> bool:
        """Whether outputs and gradients of training were recorded, not logits of evaluation."""
        return "grad_l2_norm" in self.facts

    def model(self) -> nn.Module:
        """The case's model with the case's weights, which pass through a .pdparams file on their way.

        Raises:
            SegwrightError: the model cannot be built, or a variable has no place in it.
        """
        facts = self.facts
        model = segwright.build_model(facts["model"])
        state = {name: filled(facts["seed"], name, shape, facts["gain"]) for name, shape, _ in facts["state_dict"]}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.pdparams"
            file.write_bytes(pickle.dumps(state, protocol=4))
            segwright.load_weights(model, file)
        return model

    def image(self) -> torch.Tensor:
        """The picture, (N, C, H, W) float32."""
        return normal_image(self.facts["input_seed"], self.facts["input_shape"])


def filled(seed: int, name: str, shape: list[int], gain: float) -> np.ndarray:
    """The float32 array that the recipe gives a variable, from its name and shape in Paddle."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    last = name.rpartition(".")[2]
    if last == "_variance" or (last == "weight" and len(shape) == 1):
        array = rng.uniform(0.5, 1.5, shape)
    elif last == "_mean" or (last.endswith("bias") and len(shape) == 1):
        array = 0.1 * rng.standard_normal(shape)
    elif last.endswith("weight") and len(shape) > 1:
        fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
        array = gain * math.sqrt(2 / fan_in) * rng.standard_normal(shape)
    else:
        array = 0.02 * rng.standard_normal(shape)
    return array.astype(np.float32)


def normal_image(seed: int, shape: list[int]) -> torch.Tensor:
    """Pixels drawn from the standard normal distribution, float32."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def without_dropout(model: nn.Module) -> nn.Module:
    """The model, every dropout layer set to drop nothing."""
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    return model
