"""Which sample comes when.

The position in the data is a function of seed and iteration alone: a run that resumes at iteration 500 gets the
samples, in the order and with the random augmentation, that the run would have seen had it never stopped, whatever
the number of readers and processes. Nothing about it has to be stored.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from segwright.errors import ConfigError


class SampleKey(NamedTuple):
    """One sample of a run: which picture, in which pass over the data."""

    position: int  # in the data set, repeats counted
    epoch: int


class TrainingOrder:
    """Batches of sample keys from a given iteration to the end of training.

    Every epoch is a new permutation of the data; pictures that do not fill a last iteration are left for another epoch.
    The samples of an iteration are the same however many processes and steps of accumulation they are divided among.

    Args:
        num_samples: size of the data set, repeats counted.
        batch_size: samples a batch, of one process.
        iters: iterations of the whole run.
        start: iterations already done.
        seed: seed of the run.
        repeats: times that each picture occurs in an epoch.
        accumulate: batches of a process in one iteration.
        rank: number of this process.
        processes: how many share the samples.
    """

    def __init__(
        self,
        num_samples: int,
        *,
        batch_size: int,
        iters: int,
        start: int = 0,
        seed: int = 0,
        repeats: int = 1,
        accumulate: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.num_samples = num_samples
        self.total = num_samples * repeats
        self.effective_batch = batch_size * accumulate * processes
        if self.total < self.effective_batch:
            several = f" ({batch_size} x {accumulate} accumulated x {processes} processes)"
            raise ConfigError(
                f"a batch of {self.effective_batch}{several if self.effective_batch > batch_size else ''} is larger "
                f"than the training set of {self.total} pictures; lower batch_size or raise repeats"
            )
        self.batch_size, self.iters, self.start, self.seed = batch_size, iters, start, seed
        self.accumulate, self.rank, self.processes = accumulate, rank, processes

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations of one pass over the data."""
        return self.total // self.effective_batch

    def __len__(self) -> int:
        return max(0, self.iters - self.start) * self.accumulate

    def __iter__(self) -> Iterator[list[SampleKey]]:
        permuted, order = -1, np.empty(0, dtype=np.int64)
        for iteration in range(self.start, self.iters):
            epoch, place = divmod(iteration, self.iterations_per_epoch)
            if epoch != permuted:
                permuted, order = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.total)
            chosen = order[place * self.effective_batch : (place + 1) * self.effective_batch]
            for batch in chosen.reshape(self.accumulate, self.processes, self.batch_size)[:, self.rank]:
                yield [SampleKey(int(position), epoch) for position in batch]
