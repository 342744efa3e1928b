"""What a run settles before its first step: whose folder it is, where it goes on from, and which data it has."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch.optim import Optimizer

from segwright.datasets import SegmentationDataset
from segwright.datasets.digest import DataDigest, digest_data
from segwright.engine.checkpoint_choice import newest_whole
from segwright.engine.faults import BATCH_FOLDER
from segwright.engine.ledger import data_changes
from segwright.engine.processes import Processes
from segwright.engine.run import Run
from segwright.errors import CheckpointError, TrainingError
from segwright.optim import base_rate

log = logging.getLogger("segwright")


@contextmanager
def exclusive(save_dir: Path) -> Iterator[None]:
    """``save_dir``, made, writable, and used by nobody else while the block runs.

    Raises:
        TrainingError: it is a file, cannot be written to, or another run uses it.
    """
    if save_dir.exists() and not save_dir.is_dir():
        raise TrainingError(f"--save_dir {save_dir} is a file; name a folder")
    try:
        save_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(save_dir / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(
            f"another run is writing to {save_dir}; wait for it, or choose another --save_dir"
        ) from None
    except OSError as error:
        raise TrainingError(
            f"cannot write to --save_dir {save_dir}: {error.strerror}; choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()


def starting_point(resume_model: str | Path | None, save_dir: Path) -> Path | None:
    """The checkpoint to go on from; for ``auto`` the newest whole one, None if there are none yet."""
    if str(resume_model) != "auto":
        return Path(resume_model) if resume_model else None
    choice = newest_whole(save_dir)
    for folder, reason in choice.skipped:
        log.warning("Passing over %s: %s", folder, reason)
    if choice.folder is None:
        log.info("There is no checkpoint in %s yet: starting at iteration 1", save_dir)
    return choice.folder


def agree(processes: Processes, start: int, device: torch.device) -> None:
    """Fail unless all processes start at the same iteration.

    Raises:
        CheckpointError: they found different checkpoints, as machines without a common folder do.
    """
    total, squares = processes.total(torch.tensor([start, start**2], device=device)).tolist()
    if squares * processes.count != total**2:  # equal only if all numbers are
        raise CheckpointError(
            f"process {processes.rank} would start behind iteration {start}, others elsewhere: --save_dir must be a "
            "folder that all machines share, so that all of them find the same checkpoint"
        )


def digests(train_dataset: SegmentationDataset, val_dataset: SegmentationDataset | None) -> dict[str, DataDigest]:
    """What identifies the content of a run's data sets, by their use."""
    datasets = {"train": train_dataset, "val": val_dataset}
    return {name: digest_data(dataset) for name, dataset in datasets.items() if dataset is not None}


def compare_data(folder: Path, state: Mapping[str, Any], data: Mapping[str, DataDigest]) -> None:
    """Fail if the data are not those that a checkpoint's run was started with.

    Raises:
        CheckpointError: they are not; names the files.
    """
    save_dir = folder.parent.parent if folder.parent.name == BATCH_FOLDER else folder.parent
    changes = data_changes(save_dir, state["ledger"].get("data", {}), data)
    if changes:
        raise CheckpointError(
            f"the data changed since {folder} was written, so training would not go on as it began: "
            f"{'; '.join(changes)}. Bring back what was there, or use --force to go on with what is"
        )


def _spoken_rate(optimizer: Optimizer) -> str:
    """``0.01 (times 0.1, 10 for some parameters)``."""
    factors = sorted({group.get("lr_mult", 1.0) for group in optimizer.param_groups} - {1.0})
    some = f" (times {', '.join(f'{factor:g}' for factor in factors)} for some parameters)" if factors else ""
    return f"{base_rate(optimizer):g}{some}"


def announce(run: Run, optimizer: Optimizer, device: torch.device, num_workers: int) -> None:
    """Say what is about to happen: device, precision, batch, learning rate, readers."""
    order, processes = run.order, run.processes
    parts = [f"{order.batch_size}"]
    parts += [f"{processes.count} processes"] if processes.count > 1 else []
    parts += [f"{order.accumulate} accumulated"] if order.accumulate > 1 else []
    log.info(
        "Training on %s in %s: %d pictures, %s (%d iterations an epoch), learning rate %s, %d readers%s",
        device,
        run.speed.precision,
        order.num_samples,
        f"effective batch size {order.effective_batch} = {' x '.join(parts)}"
        if parts[1:]
        else f"batch size {parts[0]}",
        order.iterations_per_epoch,
        _spoken_rate(optimizer),
        num_workers,
        " each" if processes.count > 1 else "",
    )
