"""Text files that grow while a run goes on."""

import errno
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from segwright import atomic

log = logging.getLogger("segwright")


class GrowingFile:
    """A file of lines that are added one by one, each whole or not there, and that is never worth ending a run for.

    A line that cannot be written, because the disk is full or a network drive has gone, stays in memory and follows
    when it can. One warning says so.

    Args:
        path: the file.
        lines: what it holds to begin with, instead of what it held before; each ends with a newline.

    Raises:
        OSError: it cannot be written to begin with.
    """

    def __init__(self, path: Path, lines: Iterable[str] = ()) -> None:
        self.path = path
        self._waiting: list[str] = []
        atomic.write_text(path, "".join(lines))

    def add(self, line: str) -> None:
        """Append one line, behind those that wait."""
        failed_before = bool(self._waiting)
        self._waiting.append(line)
        try:
            self._append("".join(self._waiting).encode("utf-8"))
        except OSError as error:
            if not failed_before:
                log.warning(
                    "%s cannot be written (%s). The run goes on; what belongs there follows as soon as it can",
                    self.path,
                    error.strerror,
                )
            return
        self._waiting.clear()
        if failed_before:
            log.info("%s is being written again and has all its lines", self.path)

    def _append(self, data: bytes) -> None:
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if file.write(data) != len(data):  # a disk that fills up takes a part
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
