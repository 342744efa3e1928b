"""``segwright serve`` for the length of a block."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.server import Server


@contextmanager
def serving(bundle: str | Path, *words: str | Path, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server with these arguments, ready; it is killed in the end, which takes no time."""
    with ExitStack() as stack:
        log = Path(stack.enter_context(tempfile.TemporaryDirectory()), "log")
        server = stack.enter_context(Server.segwright(Path(bundle), log, *words, environment=env))
        stack.callback(_kill, server)
        yield server


def _kill(server: Server) -> None:
    if server.process.poll() is None:
        server.process.kill()
