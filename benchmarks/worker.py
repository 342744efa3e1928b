"""A measured program in a process of its own, told when to run by lines of JSON. Standard library only.

Two frameworks do not fit into one process (nor, here, into one environment), but a ratio of their times means most
when they take turns. So each sits in a worker that prepares itself, says so, and then runs as often as it is told,
while the others wait for their line and use no CPU.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def serve(run_once: Callable[[], object], versions: str, *, settle: Callable[[], object] | None = None) -> None:
    """Run ``run_once`` as often as standard input says, until it ends; answer with the seconds of each run.

    Args:
        run_once: what is measured; returns only when its work is done.
        versions: of the libraries at work, such as ``torch 2.13.0``.
        settle: called before the runs of each turn, not counted.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not get between the answers

    def answer(message: object) -> None:
        print(json.dumps(message), file=answers, flush=True)

    answer(versions)
    for line in sys.stdin:
        seconds = []
        if settle is not None:
            settle()
        for _ in range(json.loads(line)):
            start = time.perf_counter()
            run_once()
            seconds.append(time.perf_counter() - start)
        answer(seconds)


class Worker:
    """A module that calls ``serve``, running; a context manager.

    Args:
        python: interpreter.
        module: name of the module, as for ``python -m``, below the repository's root.
        arguments: its command line.
        threads: threads that it may compute with.

    Raises:
        RuntimeError: the program ended instead of answering; its own words stand above, on standard error.
    """

    def __init__(self, python: str | Path, module: str, arguments: Sequence[object] = (), *, threads: int) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [str(python), "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env=with_threads(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions: str = self._answer()

    def run(self, repeats: int) -> list[float]:
        """Seconds of each of ``repeats`` runs in a row."""
        assert self.process.stdin is not None
        print(json.dumps(repeats), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self):  # type: ignore[no-untyped-def]  # whatever the worker sends
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.module} ended with exit code {self.process.wait()} before it answered")
        return json.loads(line)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def with_threads(threads: int) -> dict[str, str]:
    """This process's environment, with ``threads`` OpenMP threads, which is what both frameworks compute with."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}
