"""Processes, or a thread, that read ahead while the device computes."""

import ctypes
import multiprocessing
import os
import queue
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from segwright.errors import SegwrightError, TrainingError

READER_TIMEOUT = 600.0  # seconds
LOOK_AFTER = 5.0  # seconds without a batch: are the readers still there?
SHARED_MEMORY = Path("/dev/shm")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # numbers of these options of mallopt(3)


def read(
    samples: Dataset, num_workers: int, timeout: float = READER_TIMEOUT, **options: Any
) -> Generator[Any, None, None]:
    """What a ``DataLoader`` with these options gives, read ahead by ``num_workers`` processes, or a thread if 0.

    Samples that are errors are raised here.

    Raises:
        TrainingError: a reader has died, or an item took more than ``timeout`` seconds.
    """
    loader: DataLoader = DataLoader(
        samples,
        num_workers=num_workers,
        worker_init_fn=_prepare_worker,
        multiprocessing_context=_context() if num_workers else None,
        timeout=min(timeout, LOOK_AFTER) if num_workers else 0,
        generator=torch.Generator(),  # the iterator draws a seed: not from the generator that dropout uses
        **options,
    )
    try:
        for item in _waited_for(loader, timeout) if num_workers else read_ahead(loader, timeout=timeout):
            if isinstance(item, SegwrightError):
                raise item
            yield item
    except (RuntimeError, EOFError, OSError) as error:
        if re.search("timed out", str(error)):
            raise TrainingError(
                f"no batch came within {timeout:g} s from {num_workers or 'no'} reader processes. Does the disk or "
                "network share with the pictures answer? If it is only slow, raise reader_timeout"
            ) from error
        if isinstance(error, RuntimeError) and not re.search("exited unexpectedly|killed by signal", str(error)):
            raise
        if not num_workers or "in DataLoader worker" in str(error):
            raise  # not from the connection to a reader, but from what it does
        raise TrainingError(
            f"a process that reads pictures ahead has died ({error}). It was killed, or memory is full"
            f"{_shared_memory()}: use fewer num_workers, or 0. In a Python script, what trains or evaluates with "
            "num_workers above 0 must stand below if __name__ == '__main__':, because each reader imports the script"
        ) from error


def _waited_for(loader: DataLoader, timeout: float) -> Generator[Any, None, None]:
    """The items of a loader that gives up on each after ``LOOK_AFTER`` seconds; here it is given more chances.

    Only when it gives up does it look whether its readers live.
    """
    items = iter(loader)
    asked = time.monotonic()
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except RuntimeError as error:
            if "timed out" not in str(error) or time.monotonic() - asked >= timeout:
                raise
            continue
        yield item
        asked = time.monotonic()


def _shared_memory() -> str:
    """How much room there is for batches on their way from readers, on systems where that is limited."""
    if not SHARED_MEMORY.is_dir():
        return ""
    usage = shutil.disk_usage(SHARED_MEMORY)
    return f", or {SHARED_MEMORY} is, which has {usage.free >> 20} of {usage.total >> 20} MB free"


def _context() -> Any:
    """How to start readers: not by forking this process, whose OpenCV and OpenMP threads would be missing in the copy.

    A worker that then waits for one of them waits for ever. The fork server has imported what readers need and has
    no threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["segwright.engine.loader"])
    if sys.platform == "linux":
        _start_fork_server()
    return context


def _start_fork_server() -> None:
    """Start the process that forks readers, so that signals meant for training pass it and them by.

    Who ends a job often signals all of its processes: a terminal on Ctrl-C, ``timeout``, torchrun, Slurm. Training then
    finishes the step under way and saves, for which it still needs its readers, also those that it has yet to start.
    What is blocked here is blocked in all of them from their first moment.
    """
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # unblocks both signals when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(_: int) -> None:
    """One process is one thread: OpenCV's own pool would take the cores that the device computes on."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_memory()
    if sys.platform == "linux":
        # Blocked already, unless something else in the program had started the fork server (see _start_fork_server);
        # then threads of libraries that were imported before this may still take them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        threading.Thread(target=_obey_trainer, name="obey-trainer", daemon=True).start()


def _obey_trainer() -> None:
    """End this process when the trainer says so, as it does with readers that hang, or is gone, however that ended.

    PyTorch's own watch sees the fork server, whose child a reader is, and the fork server lives as long as its readers.
    """
    trainer = multiprocessing.parent_process()
    assert trainer is not None
    while trainer.is_alive():
        asked = signal.sigtimedwait({signal.SIGTERM}, 1.0)  # blocked: see _start_fork_server
        if asked is not None and asked.si_pid == trainer.pid:
            break
    os._exit(1)


def keep_memory() -> None:
    """Have the memory of one picture used again for the next, in this process, for good (GNU C library only).

    By default it goes back to the system, and comes again page by page, each filled with zeros first. That takes longer
    than to decode a JPEG.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        # Both, because setting one stops the other from growing with what is asked for. 32 MiB is the most that all
        # versions take.
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(M_TRIM_THRESHOLD, 2**30)


def read_ahead(
    batches: Iterable[Any], depth: int = 2, *, timeout: float = READER_TIMEOUT
) -> Generator[Any, None, None]:
    """The items of ``batches``, made by a thread up to ``depth`` ahead; its exceptions are raised here.

    Raises:
        TimeoutError: an item took more than ``timeout`` seconds.
    """
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=depth)
    finished = object()
    stop = threading.Event()

    def put(ok: bool, item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put((ok, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for batch in batches:
                if not put(True, batch):
                    return
            put(True, finished)
        except BaseException as error:
            put(False, error)

    thread = threading.Thread(target=produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                ok, item = ready.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError(f"timed out after {timeout:g} s") from None
            if not ok:
                raise item
            if item is finished:
                return
            yield item
    finally:
        stop.set()
        thread.join(timeout=min(timeout, 10.0))  # one that hangs in the system is left behind: it is a daemon
