"""Commands started as users start them, alone or by ``torchrun``, none of which outlives its test."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import psutil
import pytest


def launch(
    *words: object, processes: int = 1, timeout: float = 100, program: Sequence[object] = ("-m", "segwright")
) -> tuple[int, str]:
    """Run a program with some arguments in some processes; returns the exit code and all that was printed.

    Past ``timeout`` seconds the test fails, with the place where each process stood.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    started = subprocess.Popen(
        [sys.executable, *(launcher if processes > 1 else []), *map(str, program), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"},
    )
    try:
        text, _ = started.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        parent = psutil.Process(started.pid)
        for process in [*parent.children(recursive=True), parent]:  # torchrun gives each a session of its own
            process.send_signal(signal.SIGABRT)  # has Python print where it stands
        text, _ = started.communicate(timeout=20)
        pytest.fail(f"{processes} processes did not end within {timeout} s:\n{text}")
    return started.returncode, text
