"""Somebody who follows a page to the letter: saves the files it shows, runs its programs, types its commands."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doc_blocks import SHELLS, Block, command_lines
from doc_project import ITERS, eighth, shrunk

from benchmarks.server import Server
from segwright import registry
from segwright.cli.main import main, parse
from segwright.doctor.registry import CHECKS

SERVER = re.compile(r"(?:127\.0\.0\.1|localhost):8866")
NO_READERS = ("train", "val", "doctor", "data")  # commands whose processes cost more than they bring on a few pictures


class FailedError(Exception):
    """A command did not end as the page says."""


class PageReader:
    """Follows the blocks of a page in the present folder, in one process as far as possible.

    A server that the page starts runs on a free port until the page ends or starts another one; addresses in later
    commands are changed to it.
    """

    def __init__(self) -> None:
        self.server: Server | None = None

    def close(self) -> None:
        """End the server as its user would."""
        if self.server:
            code, self.server = self.server.end(), None
            if code != 143:
                raise FailedError(f"segwright serve ended with {code}, not 143, after SIGTERM")

    def follow(self, block: Block) -> None:
        """Do what the block says.

        Raises:
            FailedError: it does not work.
        """
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(shrunk(block.content), encoding="utf-8")
        elif block.language == "python":
            self._check(0, self._run_text(block.content), block.place)
        elif block.language in SHELLS:
            for line in command_lines(block):
                self._check(block.exit_code, self._run_line(line), f"{block.place}: {line}")

    def _check(self, wanted: int, code: int, what: str) -> None:
        if code != wanted:
            raise FailedError(f"{what}: exit code {code}")

    def _run_line(self, line: str) -> int:
        if assignment := re.fullmatch(r"export (\w+)=(\S+)", line):
            os.environ[assignment[1]] = assignment[2]
            return 0
        words = _plain_words(line)
        if words[:1] == ["segwright"]:
            return self._serve(words[2:]) if words[1] == "serve" else _in_process(_small(words[1:]))
        if words[:1] == ["python"] and words[1:2] and words[1].endswith(".py"):
            return _run_program(words[1], _small(words[2:]))
        if words[:1] == ["torchrun"]:
            start = words.index("segwright") + 1
            line = shlex.join([*words[:start], *_small(words[start:])])
        if self.server:
            line = SERVER.sub(self.server.url.removeprefix("http://"), line)
        return _in_shell(line)

    def _serve(self, words: list[str]) -> int:
        self.close()
        self.server = Server.segwright(Path(words[0]), Path("serve.log"), *words[1:])
        return 0

    def _run_text(self, text: str) -> int:
        if self.server:
            text = SERVER.sub(self.server.url.removeprefix("http://"), text)
        Path("block.py").write_text(shrunk(text), encoding="utf-8")
        return _run_program("block.py", [])


def _plain_words(line: str) -> list[str]:
    """The words of a line; none if it takes a shell to understand it."""
    if "$" in line or "`" in line:
        return []
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    return [] if any(set(word) <= set("();<>|&") for word in words) else shlex.split(line, comments=True)


def _small(words: list[str]) -> list[str]:
    """A command that asks for less of the same: few iterations, small sizes, no processes for reading."""
    words = [shrunk(word) for word in words]
    if "--input_shape" in words:
        place = words.index("--input_shape")
        words[place + 3 : place + 5] = [str(eighth(word)) for word in words[place + 3 : place + 5]]
    command = words[0] if words else ""
    if command == "train" and "--profiler_options" not in words:
        words += ["--iters", str(ITERS)]
        words += ["--save_interval", "2"] if "--save_interval" in words else []
    if command in NO_READERS and hasattr(parse(words), "num_workers"):
        words += ["--num_workers", "0"]
    return words


def _in_process(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


def _run_program(path: str, words: list[str]) -> int:
    before, sys.argv = sys.argv, [path, *words]
    try:
        with registries_kept():
            runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0


@contextmanager
def registries_kept() -> Iterator[None]:
    """What a program registers is gone when it has ended, as if it had been a process of its own."""
    registries = [value for value in vars(registry).values() if isinstance(value, registry.Registry)]
    entries, checks = [dict(each._entries) for each in registries], list(CHECKS)
    try:
        yield
    finally:
        CHECKS[:] = checks
        for each, before in zip(registries, entries, strict=True):
            each._entries.clear()
            each._entries.update(before)


def _in_shell(line: str) -> int:
    environment = {**os.environ, "PATH": f"{Path('bin').absolute()}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        env=environment,
        timeout=200,
        check=False,
        stdin=subprocess.DEVNULL,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    print(done.stdout)
    return done.returncode
