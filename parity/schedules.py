"""Learning rates of the first iterations."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from parity.comparison import Comparison, Difference, missing_types
from segwright.build import build_scheduler
from segwright.config import Source, modernise
from segwright.optim import Schedule
from segwright.registry import SCHEDULERS

TOLERANCE = 1e-9


def cases(folder: Path) -> list[Comparison]:
    """Every recording, those of files in the older spelling too."""
    if not folder.is_dir():
        return []
    recorded = json.loads((folder / "schedules.json").read_text())
    comparisons = []
    for case in recorded["cases"] + recorded["legacy_learning_rate_block"]:
        block = case.get("lr_scheduler") or _modern(case["learning_rate"])
        left_out = missing_types(block, SCHEDULERS)
        measure = partial(_compare, block, case["iters"], case["lr"])
        comparisons.append(Comparison(case["name"], list if left_out else measure, left_out))
    return comparisons


def rates(schedule: Schedule, count: int) -> list[float]:
    """Rate of each of ``count`` iterations."""
    seen = []
    for _ in range(count):
        seen.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return seen


def _modern(learning_rate: Any) -> dict[str, Any]:
    source = Source({"learning_rate": learning_rate}, {}, "old.yml")
    modernise(source)
    return source.data["lr_scheduler"]


def _compare(block: dict[str, Any], iters: int, recorded: list[float]) -> list[Difference]:
    """A rate that falls to zero passes through rounding noise: below 1e-6 the difference is that of 1e-6."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    found = rates(build_scheduler(block, optimizer, iters), len(recorded))
    wanted = np.array(recorded)
    distance = np.abs(found - wanted) / np.maximum(np.abs(wanted), 1e-6)
    return [Difference(f"{len(recorded)} rates", float(distance.max()), TOLERANCE)]
