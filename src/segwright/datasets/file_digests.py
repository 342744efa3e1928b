"""Digests of files: each file is read once, and read again only when it may have changed. No torch."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pooch

from segwright import atomic
from segwright.console import track
from segwright.errors import DataError
from segwright.fetch import cache_folder

DIGITS = 32
"""Of SHA-256's 64 hexadecimal digits, those that are kept: enough that no two files share them by accident."""

THREADS = 8  # hashing leaves the interpreter's lock; on remote disks several files are under way at once
LARGE = 1 << 30  # bytes to read that are worth a line in the log
SETTLED = 2.0  # seconds; a file as young as this may change again within the same tick of the disk's clock

log = logging.getLogger("segwright")


def content_digest(content: bytes) -> str:
    """What ``file_digests`` gives for a file with this content."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def file_digests(files: Collection[Path], root: Path) -> dict[Path, str]:
    """The digest of every file's whole content, as ``sha256sum`` begins it.

    Digests are remembered in the cache folder with each file's size and times of change. A file is not read again
    while these are the same, so the second start on the same data costs a look at each file's status and nothing more.
    What goes unseen is a change that leaves the size and both times as they were, which takes intent: no program can
    set the time of a file's last change of status.

    Args:
        files: any; each is read once however often it occurs.
        root: folder that they have in common, under whose name digests are remembered.

    Raises:
        DataError: a file cannot be read.
    """
    memory = cache_folder() / "digests" / f"{content_digest(os.fsencode(root.absolute()))[:12]}.json"
    remembered = _recall(memory)
    names = {path: os.path.relpath(path, root) for path in files}
    digests: dict[Path, str] = {}
    learned: dict[str, str] = {}
    pool = ThreadPoolExecutor(THREADS)
    try:
        states = dict(zip(names, pool.map(_stat, names), strict=True))
        for path, name in names.items():
            state, _, digest = remembered.get(name, "").rpartition(" ")
            if digest and state == _spell(states[path]):
                digests[path] = digest
        unread = [path for path in names if path not in digests]
        amount = sum(states[path].st_size for path in unread)
        if amount > LARGE:
            log.info("Reading %.1f GB in %s once, to know later whether it changed", amount / 1e9, root)
        found = track(pool.map(_digest, unread), "reading data once", total=len(unread))
        for path, digest in zip(unread, found, strict=True):
            digests[path] = digest
            if time.time() - max(states[path].st_mtime, states[path].st_ctime) > SETTLED:
                learned[names[path]] = f"{_spell(states[path])} {digest}"
    finally:  # an interrupted start loses nothing that it read
        pool.shutdown(cancel_futures=True)
        if learned:
            _remember(memory, {**remembered, **learned})
    return digests


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; restore it or take it out of the list") from error


def _spell(state: os.stat_result) -> str:
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


def _digest(path: Path) -> str:
    try:
        return pooch.file_hash(str(path), alg="sha256")[:DIGITS]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; restore it or take it out of the list") from error


def _recall(memory: Path) -> dict[str, str]:
    """File name -> "size mtime_ns ctime_ns digest"; empty if nothing usable is remembered."""
    try:
        entries = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: entry for name, entry in entries.items() if isinstance(entry, str)} if type(entries) is dict else {}


def _remember(memory: Path, entries: dict[str, str]) -> None:
    try:
        atomic.write_json(memory, entries)
    except OSError as error:
        log.debug("digests are not remembered in %s: %s", memory, error)
