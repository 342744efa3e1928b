"""Whether two finished runs are the same, bit for bit, in all that does not tell the time."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from campaigns.evidence import BEST_MODELS, records
from campaigns.life import leftovers
from segwright.engine.checkpoint import MODEL, STATE, TRAINING, checkpoints

TIMES = {"batch_cost", "reader_cost", "waiting", "ips", "memory_mib", "gpu_memory_mib"}
"""What a log record says about the machine, not about the run."""


def differences(run: Path, reference: Path) -> list[str]:
    """What a finished run has otherwise than the one beside which it is laid: nothing, if no work was lost."""
    found: list[str] = []
    ours, theirs = _content(run), _content(reference)
    for name in theirs:
        unequal = list(_unequal(ours[name], theirs[name], name)) if name in ours else [f"there is no {name}"]
        found += unequal[:1] + [f"{name}: {len(unequal) - 1} more differences"] * (len(unequal) > 1)
    return found


def _content(save_dir: Path) -> dict[str, Any]:
    """All that a run is: what it has learned, what it has recorded, and that nothing else lies there."""
    last = checkpoints(save_dir)[-1]
    return {
        "last checkpoint": last.name,  # those before it may be others: SIGTERM saves where it strikes
        **{f"{name}/{MODEL}": load_file(save_dir / name / MODEL) for name in (last.name, *BEST_MODELS)},
        f"{last.name}/{TRAINING}": torch.load(last / TRAINING, weights_only=True),
        f"{last.name}/{STATE}": _state(last),
        "log.jsonl": _timeless(save_dir),
        "eval.csv": _files(save_dir, "eval.csv"),
        "previews": _files(save_dir, "previews/*/*"),
        "TensorBoard": _curves(save_dir),
        "temporary files": sorted(leftovers(save_dir)),
    }


def _state(checkpoint: Path) -> dict[str, Any]:
    state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    return {name: state[name] for name in ("iteration", "best", "best_ema", "evaluations_without_gain", "settings")}


def _timeless(save_dir: Path) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in record.items() if key not in TIMES} for record in records(save_dir / "log.jsonl")
    ]


def _files(save_dir: Path, pattern: str) -> dict[str, bytes]:
    return {str(path.relative_to(save_dir)): path.read_bytes() for path in save_dir.glob(pattern)}


def _curves(save_dir: Path) -> dict[str, list[int]]:
    """The iterations that TensorBoard shows points for, by curve."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells at length that the run was resumed
    events = EventAccumulator(str(save_dir), {"scalars": 0}).Reload()
    return {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def _unequal(one: Any, other: Any, where: str) -> Iterator[str]:
    """The places at which two nested values differ; tensors are equal if all their bits are."""
    if isinstance(one, dict) and isinstance(other, dict):
        if strange := sorted(one.keys() ^ other.keys()):
            yield f"{where}: only one side has {', '.join(strange)}"
        for key in one.keys() & other.keys():
            yield from _unequal(one[key], other[key], f"{where}: {key}")
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{where}: {len(one)} entries, not {len(other)}"
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _unequal(left, right, f"{where}[{number}]")
    elif isinstance(one, Tensor) and isinstance(other, Tensor):
        if (one.dtype, one.shape, _bits(one)) != (other.dtype, other.shape, _bits(other)):
            yield f"{where} has other values"
    elif one != other:
        yield f"{where} is {one!r:.80}, not {other!r:.80}"


def _bits(value: Tensor) -> bytes:
    return value.numpy().tobytes()
