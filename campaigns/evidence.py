"""What a run's folder holds after a stop, and whether that is as it must be."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from campaigns.small_training import SmallTraining
from segwright.engine.checkpoint import MODEL, checkpoints, iteration_of, verify
from segwright.engine.checkpoint_choice import newest_whole
from segwright.errors import CheckpointError

BEST_MODELS = ("best_model", "ema_best_model")


@dataclass(frozen=True)
class Found:
    """A run's folder after a stop.

    Attributes:
        newest: iteration of the newest whole checkpoint, 0 if there is none.
        best: the best models that are there.
        wrong: what must not be, in words.
    """

    newest: int = 0
    best: frozenset[str] = frozenset()
    wrong: tuple[str, ...] = ()


def look(save_dir: Path, training: SmallTraining, before: Found) -> Found:
    """Look at the folder of a run of which nothing is alive any more.

    Args:
        save_dir: the run's folder.
        training: what was run.
        before: what was found the last time: nothing of that may be lost.
    """
    wrong = []
    try:
        choice = newest_whole(save_dir)
    except CheckpointError as error:
        return Found(wrong=(str(error),))
    newest = iteration_of(choice.folder) if choice.folder else 0
    wrong += [f"{folder.name} is damaged: {reason}" for folder, reason in choice.skipped]
    if newest < before.newest:
        wrong.append(f"iter_{before.newest} was whole and is lost")
    wrong += _older(save_dir, newest, training.keep)
    best = frozenset(name for name in BEST_MODELS if (save_dir / name).is_dir())
    wrong += [f"{name} was there and is lost" for name in sorted(before.best - best)]
    wrong += [problem for name in sorted(best) if (problem := _damage(save_dir / name))]
    wrong += _log(save_dir / "log.jsonl", newest)
    return Found(newest, best, tuple(wrong))


def _older(save_dir: Path, newest: int, keep: int) -> list[str]:
    """Damaged checkpoints; one beyond the newest ``keep`` was being removed."""
    damaged = []
    kept = [folder for folder in checkpoints(save_dir) if iteration_of(folder) <= newest][-keep:]
    for folder in kept:
        try:
            verify(folder)
        except CheckpointError as error:
            damaged.append(str(error))
    return damaged


def _damage(model: Path) -> str | None:
    """What is wrong with a best model, None if it is whole."""
    try:
        load_file(model / MODEL)
        json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        return f"{model.name} is damaged: {error}"
    return None


def _log(path: Path, newest: int) -> list[str]:
    """What is wrong with the log of a run that was stopped; its last line may be cut off."""
    steps = [record["iter"] for record in records(path, cut=True) if record["event"] == "train"]
    if steps != list(range(1, len(steps) + 1)):
        return [f"{path.name} has the iterations {steps}"]
    if len(steps) < newest:
        return [f"{path.name} ends at iteration {len(steps)}, before iter_{newest}"]
    return []


def records(path: Path, *, cut: bool = False) -> list[dict[str, Any]]:
    """Those of a ``log.jsonl``, the last left out if it is ``cut`` off, as a kill may leave it."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if cut and lines and not lines[-1].endswith("\n"):
        del lines[-1]
    return [json.loads(line) for line in lines]
