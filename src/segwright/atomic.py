"""Outputs that are either whole or not there: written under a temporary name, synced, renamed."""

import ctypes
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from segwright.errors import OutputError

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def _beside(path: Path) -> Path:
    """A fresh name in the same folder, hence on the same disk, that no pattern for results matches."""
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ensure_folder(path: Path) -> None:
    """Make a folder and see that files can be made in it, before work is done whose results belong there.

    Raises:
        OutputError: it cannot be made, or not be written to.
    """
    probe = _beside(path / "probe")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to the folder {path}: {error.strerror}; choose another one") from error


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Fill a file, under the temporary name that is given; it takes its place when the block ends well.

    Raises:
        OSError: nothing was written; a file that stood there before is unharmed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(path)
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def move_file(file: Path, path: Path) -> None:
    """Put a finished file on the same disk in its place, synced, in one step; gigabytes are not copied.

    Raises:
        OSError: nothing was moved; a file that stood there before is unharmed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sync(file)
    os.replace(file, path)


def remove_leftovers(folder: Path) -> None:
    """Remove what programs that were killed have left under temporary names; nobody may be writing there meanwhile."""
    for path in [path for path in folder.rglob(".*.tmp") if TEMPORARY.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a file in one step. With ``sync`` it is also on the disk when this returns.

    Raises:
        OSError: nothing was written; a file that stood there before is unharmed.
    """
    with new_file(path) as part:
        part.write_bytes(data)
        if sync:
            _sync(part)


def write_text(path: Path, text: str, *, sync: bool = False) -> None:
    """``write_bytes`` for UTF-8 text."""
    write_bytes(path, text.encode("utf-8"), sync=sync)


def write_json(path: Path, data: Any, *, sync: bool = False) -> None:
    """Write plain data as indented JSON; NaN is an error, for no other program could read it."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n", sync=sync)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name; it takes its place, replacing an older one, when the block ends well.

    Files are synced before the rename, so a power cut leaves the old folder or the new one, never a mixture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(path)
    part.mkdir()
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _sync(file)
        if not path.exists():
            os.replace(part, path)
        elif not _swap(part, path):
            remove_folder(path)
            os.replace(part, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder in one step, if it can be: nobody meets a half of it under its name."""
    part = _beside(path)
    with suppress(OSError):
        os.replace(path, part)
        shutil.rmtree(part, ignore_errors=True)


def _swap(one: Path, other: Path) -> bool:
    """Let two folders exchange their names in one step; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if renameat2 is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)
    return renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
