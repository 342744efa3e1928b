"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint is a folder ``iter_500/`` with

- ``model.safetensors``: weights, as ``--model_path`` takes them;
- ``training.pt``: optimiser, schedule and random generators; tensors, numbers and strings only, read without
  executing anything;
- ``state.json``: iteration, best score, settings of the run, and the digests of the two files above.

It is written under a temporary name, synced and renamed, so it is whole or not there.
"""

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from segwright import atomic
from segwright.errors import CheckpointError, TrainingError
from segwright.optim import Schedule
from segwright.version import __version__
from segwright.weights import load_weights, save_weights

MODEL, TRAINING, STATE = "model.safetensors", "training.pt", "state.json"


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        iteration: iterations done.
        best_miou: best score on the validation set so far; None before the first evaluation.
        best_iteration: when that was.
        evaluations_without_gain: evaluations since.
        settings: what determines the run's numbers, for comparison on resume.
    """

    iteration: int = 0
    best_miou: float | None = None
    best_iteration: int = 0
    evaluations_without_gain: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    save_dir: Path, model: nn.Module, optimizer: Optimizer, schedule: Schedule | None, progress: Progress
) -> Path:
    """Write ``save_dir/iter_N``; returns the folder.

    Raises:
        TrainingError: it cannot be written; older checkpoints are unharmed.
    """
    folder = save_dir / f"iter_{progress.iteration}"
    try:
        _write(folder, model, optimizer, schedule, progress)
    except (OSError, RuntimeError) as error:  # torch.save has no OSError for a full disk
        full = " (the disk is full)" if shutil.disk_usage(save_dir).free < 1 << 20 else ""
        raise TrainingError(
            f"the checkpoint {folder} could not be written: {error}{full}; make room and resume from one of these, "
            f"which are whole: {_others(folder)}"
        ) from error
    return folder


def _write(folder: Path, model: nn.Module, optimizer: Optimizer, schedule: Schedule | None, progress: Progress) -> None:
    with atomic.new_folder(folder) as part:
        save_weights(model, part / MODEL)
        torch.save(
            {
                "counters": _counters(model),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict() if schedule else None,
                "torch_rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
            part / TRAINING,
        )
        digests = {name: _digest(part / name) for name in (MODEL, TRAINING)}
        state = {"segwright": __version__, **asdict(progress), "sha256": digests}
        atomic.write_json(part / STATE, state)


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizer: Optimizer,
    schedule: Schedule | None,
    *,
    settings: dict[str, Any],
    force: bool,
) -> Progress:
    """Bring model, optimiser, schedule and random generators to where a checkpoint left them.

    Args:
        folder: an ``iter_N`` folder written by ``save_checkpoint``.
        model: as it was built for the run.
        optimizer: over this model.
        schedule: the run's, if it has one.
        settings: of the present run; must equal those the checkpoint was written with.
        force: go on although settings differ.

    Raises:
        CheckpointError: the folder is missing, damaged, or belongs to a run with other settings.
    """
    state = _read_state(folder)
    for name, digest in state["sha256"].items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise CheckpointError(
                f"{folder / name} is damaged or missing (its digest is not the one in {STATE}); "
                f"resume from another checkpoint: {_others(folder)}"
            )
    differences = _differences(state["settings"], settings)
    if differences and not force:
        raise CheckpointError(
            f"{folder} was written by a run with other settings, so training would not go on as it began: "
            f"{'; '.join(differences)}. Use the settings of that run, or --force to go on with these; "
            "to start a new run from these weights set model.pretrained instead"
        )
    load_weights(model, folder / MODEL)
    training = torch.load(folder / TRAINING, map_location="cpu", weights_only=True)
    model.load_state_dict(training["counters"], strict=False)
    optimizer.load_state_dict(training["optimizer"])
    if schedule is not None and training["schedule"] is not None:
        schedule.load_state_dict(training["schedule"])
    torch.set_rng_state(training["torch_rng"])
    if torch.cuda.is_available() and len(training["cuda_rng"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(training["cuda_rng"])
    return Progress(
        state["iteration"], state["best_miou"], state["best_iteration"], state["evaluations_without_gain"], settings
    )


def _counters(model: nn.Module) -> dict[str, torch.Tensor]:
    """Whole numbers in the model's state, such as batch norm's step count, which files of weights leave out."""
    return {name: value.cpu() for name, value in model.state_dict().items() if not value.is_floating_point()}


def checkpoints(save_dir: Path) -> list[Path]:
    """The checkpoint folders in ``save_dir``, oldest first."""
    found = [path for path in save_dir.glob("iter_*") if re.fullmatch(r"iter_\d+", path.name) and path.is_dir()]
    return sorted(found, key=iteration_of)


def iteration_of(folder: Path) -> int:
    """500 for ``iter_500``."""
    return int(folder.name.removeprefix("iter_"))


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    if not path.is_file():
        raise CheckpointError(f"{folder} is no checkpoint: it has no {STATE}; checkpoints here: {_others(folder)}")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(
            f"{path} is damaged: {error}; resume from another checkpoint: {_others(folder)}"
        ) from error
    return state


def _others(folder: Path) -> str:
    names = [str(path) for path in checkpoints(folder.parent) if path.name != folder.name]
    return ", ".join(names) or f"none in {folder.parent}"


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Leaves that differ, as ``key.path: 4 -> 8``."""
    if isinstance(old, dict) and isinstance(new, dict):
        rows: list[str] = []
        for key in [*old, *(key for key in new if key not in old)]:
            rows += _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        return rows
    return [] if old == new else [f"{path}: {old!r} -> {new!r}"]
