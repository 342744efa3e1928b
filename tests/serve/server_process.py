"""``segwright serve`` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


class ServerProcess:
    """A server that is ready to answer.

    Attributes:
        url: its address.
        process: it.
        lines: what it has printed.
    """

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "segwright", "serve", *words, "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | env
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(r"web page +(http://\S+)/").group(1)
        self._wait_until_ready()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match:
        """The first printed line that matches."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if match := re.search(pattern, line):
                    return match
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"no line like {pattern!r}: {self.lines}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/health/ready", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"never ready: {self.lines}")

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal; the exit code, as a shell has it."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code if code >= 0 else 128 - code


@contextmanager
def serving(*words: str | Path, env: dict[str, str] | None = None) -> Iterator[ServerProcess]:
    """A server with these arguments, which ends with the block."""
    server = ServerProcess([str(word) for word in words], env or {})
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
