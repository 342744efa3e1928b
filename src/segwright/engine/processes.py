"""Several processes at one run: ``torchrun`` starts them, here they meet, share the work and agree."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from segwright.errors import TrainingError

log = logging.getLogger("segwright")

LOST = re.compile(
    "Connection (closed|reset|refused)|Broken pipe|gloo|NCCL|ncclUnhandled|Timed out waiting", re.IGNORECASE
)


class Processes:
    """The processes of this run, as one of them sees them.

    Attributes:
        rank: number of this process, 0 for the one that writes.
        count: how many there are.
        local_count: how many of them share this machine.
    """

    def __init__(self) -> None:
        connected = dist.is_available() and dist.is_initialized()
        self.rank: int = dist.get_rank() if connected else 0
        self.count: int = dist.get_world_size() if connected else 1
        self.local_count: int = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if connected else 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and log lines."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Elementwise sum over all processes, in place; of whole numbers exact."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            dist.barrier()

    def share(self, total: int) -> range:
        """The numbers below ``total`` that are this process's part: each belongs to exactly one."""
        return range(self.rank, total, self.count)

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The block runs in process 0 before it runs in the others, which find there what that one has left."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()


def connect(device: torch.device) -> Processes:
    """Join the processes that ``torchrun`` has started with this one; alone, where it has not.

    Args:
        device: what this process computes on: gloo connects CPUs, NCCL GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cpu":
            _share_cores()
    processes = Processes()
    if not processes.first:
        log.setLevel(logging.ERROR)
    return processes


@contextmanager
def connected(device: torch.device) -> Iterator[Processes]:
    """``connect`` for the length of a block."""
    processes = connect(device)
    try:
        with losing_none(processes):
            yield processes
    finally:
        if processes.count > 1:
            dist.destroy_process_group()


def _share_cores() -> None:
    """Divide the machine's cores: ``torchrun`` gives each process one, however many there are, unless told."""
    if os.environ.get("OMP_NUM_THREADS") == "1" and "TORCHELASTIC_RUN_ID" in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


@contextmanager
def losing_none(processes: Processes) -> Iterator[None]:
    """Say in one sentence when another process has gone, which shows as an error of the connection to it.

    Raises:
        TrainingError: the connection to another process broke.
    """
    try:
        yield
    except RuntimeError as error:
        if processes.count > 1 and LOST.search(str(error)):
            raise TrainingError(
                f"process {processes.rank} of {processes.count} has lost another one, so it ends too. The reason is "
                f"what that process said last, above or on its own machine. Seen here: {str(error).splitlines()[0]}"
            ) from error
        raise
