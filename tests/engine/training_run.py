"""A small training run, for tests of the training loop."""

import json
from pathlib import Path

import torch
from torch import nn

import segwright
import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.training import TrainingResult, train
from segwright.losses import CrossEntropyLoss

LOSSES = {"types": [CrossEntropyLoss()], "coef": [1.0, 0.4]}


def run(
    toy_data: Path, save_dir: Path, *, model=None, lr=0.1, seed=3, evaluate=False, extra=(), **options
) -> tuple[nn.Module, TrainingResult]:
    """Train the toy network for a few iterations, with ``extra`` transforms; returns it as it ended."""
    torch.manual_seed(seed)
    model = model or segwright.build_model({"type": "ToyNet", "num_classes": 2})
    steps = [T.RandomHorizontalFlip(), T.RandomDistort(0.3), *extra, T.Normalize()]
    train_set = Dataset(steps, toy_data, 2, train_path="train.txt")
    val_set = Dataset([T.Normalize()], toy_data, 2, mode="val", val_path="val.txt") if evaluate else None
    iters = options.setdefault("iters", 8)
    optimizer = segwright.build_optimizer({"type": "Momentum", "weight_decay": 1e-4}, model, lr=lr)
    schedule = segwright.build_scheduler(
        {"type": "PolynomialDecay", "learning_rate": lr, "power": 0.9}, optimizer, iters
    )
    options = {"batch_size": 3, "losses": LOSSES, "save_interval": 4, "log_iters": 2, "seed": seed, **options}
    result = train(
        model,
        train_set,
        val_set,
        optimizer=optimizer,
        lr_scheduler=schedule,
        save_dir=save_dir,
        device="cpu",
        **options,
    )
    return model, result


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def records(folder: Path, event: str = "train") -> list[dict]:
    """What the log of a run holds of one kind."""
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == event]
