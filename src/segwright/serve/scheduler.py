"""From the requests of many clients to runs of the network: what waits when the engine is free goes together."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

Infer = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


@dataclass
class _Job:
    """One input that waits for its output, and the run that it is in, once it is in one."""

    tensor: np.ndarray
    since: float
    done: "asyncio.Future[Ran]"
    run: "asyncio.Future[Any] | None" = None


@dataclass(frozen=True)
class Ran:
    """What the network gave for one input.

    Attributes:
        output: its output.
        waited: seconds in the queue.
        took: seconds of the run.
        batch: inputs in the run.
    """

    output: np.ndarray
    waited: float
    took: float
    batch: int


@dataclass(frozen=True)
class Way:
    """A way to run the network.

    Attributes:
        infer: runs it on inputs of one shape; called in a thread.
        runs: runs at the same time.
        batch_size: most inputs in one run.
        largest: most elements of an input that it is meant for; None for any.
    """

    infer: Infer
    runs: int = 1
    batch_size: int = 1
    largest: int | None = None


class Scheduler:
    """Keeps an engine full without keeping anybody waiting for nothing.

    While the engine works, inputs gather; when it is free, the oldest goes, with all others of its shape that there is
    room for. While it has nothing to do, an input waits for company ``delay`` seconds at most. An input that fails
    takes no other with it, and one whose client has gone is dropped.

    A run that has all threads answers soonest; as many runs as threads, each with one, answer most. So there may be a
    second way to run, for when there is an input for each of its runs; it stays in use until they are through.

    Args:
        usual: how to run the network.
        pool: threads, at least as many as runs of both ways.
        crowded: how to run it when many wait; None for no other way.
        delay: seconds that an input may wait while the engine is free.
        on_run: is told the number of inputs of each run.
    """

    def __init__(
        self,
        usual: Way,
        pool: Executor,
        *,
        crowded: Way | None = None,
        delay: float = 0.0,
        on_run: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._usual, self._crowded = usual, crowded
        self._pool, self._delay, self._on_run = pool, delay, on_run
        self._jobs: deque[_Job] = deque()
        self._changed = asyncio.Event()
        self._closing = False
        self._running: Counter[Way] = Counter()
        lanes = usual.runs + (crowded.runs if crowded else 0)
        self._lanes = [asyncio.create_task(self._work()) for _ in range(lanes)]

    async def run(self, tensor: np.ndarray) -> Ran:
        """The network's output for one input.

        A run cannot be interrupted: who is cancelled in the middle of one is so when it is over, and until then holds
        what the input needs. An input that waits is dropped at once.

        Raises:
            ExportError: the engine fails on this input.
        """
        job = _Job(tensor, time.monotonic(), asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._changed.set()
        try:
            return await job.done
        finally:
            if job.run is not None and not job.run.done():
                await asyncio.wait([job.run])

    @property
    def waiting(self) -> int:
        """Inputs in the queue."""
        return len(self._jobs)

    async def close(self) -> None:
        """Finish what waits, then end."""
        self._closing = True
        self._changed.set()
        await asyncio.gather(*self._lanes)

    async def _work(self) -> None:
        while found := await self._next():
            way, batch = found
            started = time.monotonic()
            run = asyncio.get_running_loop().run_in_executor(self._pool, self._outcomes, way.infer, batch)
            for job in batch:
                job.run = run
            outcomes = await run
            self._running[way] -= 1
            self._changed.set()
            took = time.monotonic() - started
            for job, outcome in outcomes:
                if job.done.done():  # its client has gone in the meantime
                    continue
                if isinstance(outcome, Exception):
                    job.done.set_exception(outcome)
                else:
                    job.done.set_result(Ran(outcome, started - job.since, took, len(batch)))

    async def _next(self) -> tuple[Way, list[_Job]] | None:
        """The next batch and how to run it, None at the end.

        There is no await between looking at the jobs and taking them, so no other lane interferes.
        """
        while True:
            self._changed.clear()
            while self._jobs and self._jobs[0].done.done():
                self._jobs.popleft()
            if self._closing and not self._jobs:
                return None
            way = self._free_way()
            if way is None:
                await self._changed.wait()
                continue
            first = self._jobs[0]
            batch = [job for job in self._jobs if job.tensor.shape == first.tensor.shape and not job.done.done()]
            patience = first.since + self._delay - time.monotonic()
            if len(batch) < way.batch_size and patience > 0:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), patience)
                continue
            batch = batch[: way.batch_size]
            taken = set(map(id, batch))
            self._jobs = deque(job for job in self._jobs if id(job) not in taken)
            self._running[way] += 1
            return way, batch

    def _free_way(self) -> Way | None:
        """How the oldest input should be run now; None if there is none, or if it is better to wait for a run's end."""
        if not self._jobs:
            return None
        crowded, usual = self._crowded, self._usual
        if crowded is not None and (crowded.largest is None or self._jobs[0].tensor.size <= crowded.largest):
            is_crowd = self._running.total() + len(self._jobs) >= crowded.runs
            if self._running[crowded] or is_crowd:
                return crowded if self._running[crowded] < crowded.runs else None
        return usual if self._running[usual] < usual.runs else None

    def _outcomes(self, infer: Infer, batch: list[_Job]) -> list[tuple[_Job, np.ndarray | Exception]]:
        """For each input its output or why there is none; an input that spoils a batch fails alone.

        Left out is whose client has gone while the batch waited for a thread, or was tried as a whole.
        """
        batch = [job for job in batch if not job.done.done()]
        if not batch:
            return []
        try:
            self._on_run(len(batch))
            return list(zip(batch, infer([job.tensor for job in batch]), strict=True))
        except Exception as error:
            if len(batch) == 1:
                return [(batch[0], error)]
            return [pair for job in batch for pair in self._outcomes(infer, [job])]
