"""PaddleSeg's recorded cases: weights and images rebuilt from seeds, as the recipe beside them says."""

import json
import pickle
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from segwright.registry import MODELS
from segwright.weights import load_weights


def filled(seed: int, name: str, shape: list[int], gain: float) -> np.ndarray:
    """The array that the recipe gives a Paddle variable of a convolutional network."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    last = name.rpartition(".")[2]
    if last == "_variance" or (last == "weight" and len(shape) == 1):
        array = rng.uniform(0.5, 1.5, shape)
    elif last in ("_mean", "bias"):
        array = 0.1 * rng.standard_normal(shape)
    else:
        fan_in = shape[0] if len(shape) == 2 else np.prod(shape[1:])
        array = gain * np.sqrt(2 / fan_in) * rng.standard_normal(shape)
    return array.astype(np.float32)


def normal_image(seed: int, shape: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def build(case: dict, folder: Path) -> nn.Module:
    """The case's model, with the recipe's weights loaded from a .pdparams file written in ``folder``."""
    arguments = dict(case["model"])
    model = MODELS[arguments.pop("type")](**arguments)
    state = {name: filled(case["seed"], name, shape, case["gain"]) for name, shape, _ in case["state_dict"]}
    file = folder / "model.pdparams"
    file.write_bytes(pickle.dumps(state, protocol=4))
    report = load_weights(model, file)
    assert len(report.matched) == len(case["state_dict"])
    return model


def read_case(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The recipe (.json) and the numbers (.npz) of a case."""
    return json.loads(path.with_suffix(".json").read_text()), dict(np.load(path.with_suffix(".npz")))


def without_dropout(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model
