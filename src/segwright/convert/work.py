"""Many files converted by several processes: what is whole is kept, what is broken is named, the rest is done."""

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from segwright.console import track
from segwright.errors import DataError, SegwrightError

log = logging.getLogger("segwright.convert")


class Job(Protocol):
    """One file to convert; plain data, for it travels to another process."""

    @property
    def source(self) -> Path:
        """What messages name."""
        ...

    @property
    def results(self) -> tuple[Path, ...]:
        """The files that it will leave, each written in one step."""
        ...


J = TypeVar("J", bound=Job)
R = TypeVar("R")


@dataclass(frozen=True)
class Report(Generic[R]):
    """What became of the jobs.

    Attributes:
        done: what the work returned, in the order of the jobs.
        num_kept: jobs whose results were there already.
        failures: file and reason.
    """

    done: list[R]
    num_kept: int
    failures: list[tuple[Path, str]]

    def summary(self) -> str:
        """``12 files converted, 3 kept as they were (--overwrite makes them anew)``."""
        kept = f", {self.num_kept} kept as they were (--overwrite makes them anew)" if self.num_kept else ""
        return f"{len(self.done)} files converted{kept}"

    def conclude(self, where: Path) -> None:
        """Say what was done.

        Raises:
            DataError: some files could not be converted.
        """
        if not self.failures:
            log.info("%s: %s", where, self.summary())
            return
        total = len(self.done) + self.num_kept + len(self.failures)
        raise DataError(
            f"{len(self.failures)} of {total} files could not be converted, each is named above with its reason; "
            f"{where}: {self.summary()}. Mend the files, or take them away, and run the same command again"
        )


def convert_files(
    jobs: Sequence[J], work: Callable[[J], R], *, num_workers: int, overwrite: bool = False, title: str = "converting"
) -> Report[R]:
    """Do ``work`` for each job whose results are not all there.

    Args:
        jobs: no two with a result in common.
        work: a module's function, or a ``partial`` of one, so that another process finds it. It writes each result in
            one step, so that an interruption leaves whole files or none.
        num_workers: processes; 0 and 1 work in this one.
        overwrite: do it even where the results are there.
        title: of the progress bar.

    Raises:
        DataError: two jobs would write the same file, one would write over what is converted, or a process was killed.
    """
    _check_distinct(jobs)
    waiting = [job for job in jobs if overwrite or not job.results or not all(path.exists() for path in job.results)]
    done: list[R] = []
    failures: list[tuple[Path, str]] = []
    with _outcomes(waiting, partial(_attempt, work), num_workers) as outcomes:
        for job, (result, reason) in zip(waiting, track(outcomes, title, total=len(waiting)), strict=True):
            if reason is None:
                done.append(result)
                continue
            message = reason if str(job.source) in reason else f"{job.source}: {reason}"
            log.error("%s", message)
            failures.append((job.source, message))
    return Report(done, len(jobs) - len(waiting), failures)


def _attempt(work: Callable[[J], R], job: J) -> tuple[Any, str | None]:
    """What the work returns, or why it could not be done; a file never stops the others."""
    try:
        return work(job), None
    except SegwrightError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{error.strerror or error}: {error.filename or job.source}"
    except Exception as error:
        return None, f"cannot be understood ({type(error).__name__}: {error})"


@contextmanager
def _outcomes(
    jobs: Sequence[J], attempt: Callable[[J], tuple[Any, str | None]], num_workers: int
) -> Iterator[Iterator[tuple[Any, str | None]]]:
    """Results in the order of the jobs; what has not begun is dropped when the block ends."""
    num_workers = min(num_workers, len(jobs))
    if num_workers <= 1:
        yield map(attempt, jobs)
        return
    methods = multiprocessing.get_all_start_methods()  # never fork: locks of OpenCV's threads would come along
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    pool = ProcessPoolExecutor(num_workers, mp_context=context)
    try:
        yield pool.map(attempt, jobs, chunksize=max(1, min(16, len(jobs) // (4 * num_workers))))
    except BrokenProcessPool as error:
        raise DataError(
            "a converting process was killed, probably for want of memory; what is done is kept: run the command "
            "again, with a smaller --num_workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check_distinct(jobs: Sequence[Job]) -> None:
    """No result in place of another, nor of a file that is converted: that might be the only copy."""
    folders: dict[Path, Path] = {}

    def place(path: Path) -> str:
        if path.parent not in folders:
            folders[path.parent] = path.parent.resolve()
        return str(folders[path.parent] / path.name).casefold()

    sources = {place(job.source) for job in jobs}
    owners: dict[str, Path] = {}
    for job in jobs:
        for path in job.results:
            there = place(path)
            if there in sources and path.exists():
                raise DataError(f"{job.source} would become {path}, which is converted itself; give another folder")
            other = owners.setdefault(there, job.source)
            if other != job.source:
                raise DataError(f"{other} and {job.source} would both become {path}; rename one of them")
