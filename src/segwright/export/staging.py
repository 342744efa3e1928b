"""Folders in which an export comes about, beside the place where it will be."""

import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path

import psutil

from segwright.errors import ExportError

NAME = re.compile(r"\.export-(?P<host>.+)-(?P<process>\d+)-\w+")


@contextmanager
def staging(save_dir: Path) -> Iterator[Path]:
    """A hidden folder in ``save_dir`` that is gone afterwards; shows at once whether one may write there.

    What processes of this machine left that were killed is removed.

    Raises:
        ExportError: one may not.
    """
    try:
        save_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(save_dir)
        staged = Path(tempfile.mkdtemp(prefix=f".export-{socket.gethostname()}-{getpid()}-", dir=save_dir))
    except OSError as error:
        raise ExportError(f"cannot write to {save_dir} ({error.strerror}); give another --save_dir") from error
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _remove_abandoned(save_dir: Path) -> None:
    for folder in save_dir.glob(".export-*"):
        found = NAME.fullmatch(folder.name)
        if found and found["host"] == socket.gethostname() and not psutil.pid_exists(int(found["process"])):
            shutil.rmtree(folder, ignore_errors=True)
