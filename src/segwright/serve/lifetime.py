"""When a server process ends: on a signal, after it has finished what it accepted; and never later than its parent."""

import asyncio
import multiprocessing
import os
import signal
import threading
from typing import Any

from segwright.serve.models import Models


def watch_signals(models: Models) -> None:
    """On SIGTERM deny readiness first, and let the server close its port a moment later, when others know.

    The server has set its own handler by the time the application starts. Outside of the main thread there are no
    signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)
    if not callable(previous):
        return
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: Any) -> None:
        models.draining = True
        loop.call_soon_threadsafe(loop.call_later, models.options.drain_time, previous, number, frame)

    signal.signal(signal.SIGTERM, drain)


def end_with_parent() -> None:
    """Have a worker process end when the process that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(parent.sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(parent.sentinel, end)
