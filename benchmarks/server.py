"""A server in a process of its own, on this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds that a server may take to start, and to end


class Server:
    """A program that serves HTTP, answering; a context manager that ends it.

    Args:
        command: of the program; ``{port}`` in it becomes the number of a free port.
        log: gets what the program says.
        alive: path that is answered as soon as the server is ready.
        environment: variables beside those of this process.

    Raises:
        RuntimeError: it does not answer; its own words stand in the message.
    """

    def __init__(
        self, command: Sequence[object], log: Path, *, alive: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port, self.log = free_port(), log
        self.url = f"http://{HOST}:{self.port}"
        with log.open("wb") as file:
            self.process = psutil.Popen(
                [str(word).format(port=self.port) for word in command],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )
        self._wait_for(alive)

    @classmethod
    def segwright(
        cls, bundle: Path, log: Path, *words: object, environment: Mapping[str, str] | None = None
    ) -> "Server":
        """``segwright serve`` with a model, which has its folder's name, and with whatever else ``words`` say."""
        command = [sys.executable, "-m", "segwright", "serve", bundle, *words, "--port", "{port}"]
        return cls(command, log, alive="/health/ready", environment=environment)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_for(self, path: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server does not answer; it said:\n{self.said()[-3000:]}")

    def said(self) -> str:
        """All that it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def lines(self) -> list[str]:
        """The lines of that."""
        return self.said().splitlines()

    def wait_for(self, pattern: str) -> re.Match:
        """The first line that matches, once it is there.

        Raises:
            RuntimeError: there is none.
        """
        end = time.monotonic() + PATIENCE
        while not (found := next(filter(None, (re.search(pattern, line) for line in self.lines)), None)):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"no line like {pattern!r}; it said:\n{self.said()[-3000:]}")
            time.sleep(0.02)
        return found

    def family(self) -> list[psutil.Process]:
        """Its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def memory(self) -> int:
        """Bytes of memory that its processes hold."""
        return sum(process.memory_info().rss for process in self.family())

    def files(self) -> int:
        """Files, sockets included, that its processes have open."""
        return sum(process.num_fds() for process in self.family())

    def processor_seconds(self) -> float:
        """Seconds that its processes have worked."""
        times = [process.cpu_times() for process in self.family()]
        return sum(time.user + time.system for time in times)

    def end(self, number: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Send it a signal; its exit code, as a shell has it."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        return code if code >= 0 else 128 - code

    def stop(self) -> int:
        """End it, politely first; returns its exit code."""
        if self.process.poll() is None:
            family = self.family()
            self.process.terminate()
            for process in psutil.wait_procs(family, PATIENCE)[1]:
                process.kill()
        return self.process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]
