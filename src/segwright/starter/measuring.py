"""How long a step takes on this machine, and what memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from segwright.build import build_transforms
from segwright.config import Config, Source
from segwright.datasets import Pair, SegmentationDataset
from segwright.doctor.pace import measure_pace

HALF_SIDES = 0.5  # pictures that the pace is measured on: two with a quarter of the pixels each


@dataclass(frozen=True)
class Measured:
    """For one picture of a batch.

    Attributes:
        seconds: of a training step; None where the model could not be tried.
        reader_ms: that one reader takes to make it.
        gpu_bytes: that it takes on a GPU; 0 on a CPU.
    """

    seconds: float | None
    reader_ms: float
    gpu_bytes: int


def measure_step(
    data: Mapping[str, Any],
    pairs: Sequence[Pair],
    num_classes: int,
    stored_ids: Mapping[int, int] | None,
    device: torch.device,
) -> Measured:
    """Make a few samples and compute a step.

    Args:
        data: configuration with model and transforms for training.
        pairs: to train on.
        num_classes: of the data.
        stored_ids: where label maps hold other numbers than the classes' own.
        device: to compute on.

    Raises:
        DataError: a picture or label map cannot be used.
    """
    transforms = build_transforms(data["train_dataset"]["transforms"])
    dataset = SegmentationDataset(pairs, transforms, num_classes=num_classes, mode="train", stored_ids=stored_ids)
    model = {**data["model"], "num_classes": num_classes}
    config = Config(Source({"batch_size": 1, "model": model}))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    pace = measure_pace(config, dataset, num_workers=1, device=device)
    peak = torch.cuda.max_memory_allocated(device) / HALF_SIDES if device.type == "cuda" else 0
    return Measured(pace.step_seconds, pace.sample_ms, round(peak))
