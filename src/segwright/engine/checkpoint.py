"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint is a folder ``iter_500/`` with

- ``model.safetensors``: weights, as ``--model_path`` takes them;
- ``training.pt``: optimiser, schedule and whatever else learns; tensors, numbers and strings only, read without
  executing anything;
- ``state.json``: iteration, best score, settings and circumstances of the run, and the digests of the two files above.

Random generators are not in it: each iteration seeds them by its number. It is written under a temporary name,
synced and renamed, so it is whole or not there.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from segwright import atomic
from segwright.errors import CheckpointError, TrainingError
from segwright.version import __version__
from segwright.weights import load_weights, save_weights

MODEL, TRAINING, STATE = "model.safetensors", "training.pt", "state.json"


class Stateful(Protocol):
    """What keeps a state between steps: an optimiser, a schedule, a gradient scaler, averaged weights."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers, strings, and containers of these."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Go on from such a state."""
        ...


@dataclass
class Best:
    """The best score on the validation set so far, None before the first, and the iteration that it was reached in."""

    miou: float | None = None
    iteration: int = 0


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        iteration: iterations done.
        best: of the weights.
        best_ema: of their average, if one is kept.
        evaluations_without_gain: since the last that was better than all before.
        settings: what determines the run's numbers, for comparison on resume.
        ledger: under which circumstances the run computes, see ``engine.ledger``.
    """

    iteration: int = 0
    best: Best = field(default_factory=Best)
    best_ema: Best = field(default_factory=Best)
    evaluations_without_gain: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    ledger: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    parts: Mapping[str, Stateful],
    progress: Progress,
    state: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint.

    Args:
        folder: to be made, or replaced.
        model: its variables go to ``model.safetensors``.
        parts: what else has a state, under names by which ``load_checkpoint`` finds it again.
        progress: of the run.
        state: values of the variables, if they are not the model's own.

    Raises:
        TrainingError: it cannot be written; older checkpoints are unharmed.
    """
    try:
        with atomic.new_folder(folder) as part:
            save_weights(model, part / MODEL, state)
            states = {name: stateful.state_dict() for name, stateful in parts.items()}
            torch.save({"counters": _counters(model), **states}, part / TRAINING)
            digests = {name: _digest(part / name) for name in (MODEL, TRAINING)}
            atomic.write_json(part / STATE, {"segwright": __version__, **asdict(progress), "sha256": digests})
    except (OSError, RuntimeError) as error:  # torch.save has no OSError for a full disk
        full = " (the disk is full)" if shutil.disk_usage(folder.parent).free < 1 << 20 else ""
        raise TrainingError(
            f"the checkpoint {folder} could not be written: {error}{full}; make room and resume from one of these, "
            f"which are whole: {_others(folder)}"
        ) from error


def check_space(save_dir: Path, model: nn.Module) -> None:
    """Fail before training if the disk has no room for two checkpoints: the new one is whole before an old one goes.

    Raises:
        TrainingError: it has not.
    """
    weights = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    needed, free = 2 * 3 * weights, shutil.disk_usage(save_dir).free  # weights, and up to two moments of the optimiser
    if free < needed:
        raise TrainingError(
            f"--save_dir {save_dir} has {free / 2**20:.0f} MB free, but two checkpoints of this model need up to "
            f"{needed / 2**20:.0f} MB; make room or choose another disk"
        )


def verify(folder: Path) -> dict[str, Any]:
    """The content of a checkpoint's ``state.json``, when all of its files are as they were written.

    Raises:
        CheckpointError: the folder is no checkpoint, or damaged.
    """
    state = _read_state(folder)
    for name, digest in state["sha256"].items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise CheckpointError(
                f"{folder / name} is damaged or missing (its digest is not the one in {STATE}); "
                f"resume from another checkpoint: {_others(folder)}"
            )
    return state


def compare(folder: Path, state: dict[str, Any], settings: dict[str, Any]) -> None:
    """Fail unless a checkpoint was written by a run with the present one's settings.

    Raises:
        CheckpointError: it was not; each difference is named.
    """
    differences = _differences(state["settings"], settings)
    if differences:
        raise CheckpointError(
            f"{folder} was written by a run with other settings, so training would not go on as it began: "
            f"{'; '.join(differences)}. Use the settings of that run, or --force to go on with these; "
            "to start a new run from these weights use --finetune instead"
        )


def restore(folder: Path, state: dict[str, Any], model: nn.Module, parts: Mapping[str, Stateful]) -> Progress:
    """Bring a model and all that belongs to its training to where a checkpoint left them.

    Args:
        folder: as ``save_checkpoint`` wrote it.
        state: as ``verify`` returned it.
        model: as it was built for the run.
        parts: those of ``save_checkpoint``.

    Returns:
        How far the run had come, with its settings and ledger.
    """
    load_weights(model, folder / MODEL)
    training = torch.load(folder / TRAINING, map_location="cpu", weights_only=True)
    model.load_state_dict(training["counters"], strict=False)
    for name, stateful in parts.items():
        if name in training:  # a run that was forced may have parts that the one before had not
            stateful.load_state_dict(training[name])
    known = {entry.name: state[entry.name] for entry in fields(Progress)}
    return Progress(**{**known, "best": Best(**known["best"]), "best_ema": Best(**known["best_ema"])})


def _counters(model: nn.Module) -> dict[str, Tensor]:
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
        missing = {"sha256", "settings", *(entry.name for entry in fields(Progress))} - set(state)
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged, or of another version of segwright: {error}; resume from another checkpoint: "
            f"{_others(folder)}"
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
