"""For the process that forks readers, and for no other: it imports what they need, and outlives signals.

Who ends a job often signals all of its processes: a terminal on Ctrl-C, ``timeout``, torchrun, Slurm. Training then
finishes the step under way and saves, for which it still needs its readers; and they end when this process does.
"""

import os
import signal
from types import FrameType

import segwright.engine.loader  # noqa: F401

_server = os.getpid()


def _stay(number: int, _: FrameType | None) -> None:
    """Take no notice; processes forked from this one, which inherit the handler, end as usual."""
    if os.getpid() != _server:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


signal.signal(signal.SIGTERM, _stay)
