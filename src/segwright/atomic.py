"""Outputs that are either whole or not there: written under a temporary name, synced, renamed."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from segwright.errors import OutputError


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
        old = _beside(path)
        if path.exists():
            os.replace(path, old)
        os.replace(part, path)
        _sync(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
