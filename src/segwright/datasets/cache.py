"""Decoded pictures and label maps kept in memory, once for all the processes that read them.

They lie in a file without a name, in memory where the system offers that. Readers inherit it however they are started,
and the last process to end gives it back, even if it is killed. What has come in stays: every epoch is a permutation,
so that nothing is gained by making room, and a picture's place, once it has one, is never taken by another.
"""

import json
import math
import os
import struct
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import reduction
from typing import Any, NamedTuple

import numpy as np

from segwright.errors import ConfigError

with suppress(ImportError):  # Windows has none
    import fcntl

Loaded = tuple[np.ndarray, np.ndarray | None]
"""A picture and its label map, if it has one."""

COUNTS = struct.Struct("<4Q")
SLOT = struct.Struct("<Q")  # of each sample: where its entry begins, or one of the two below
ABSENT, PROMISED = 0, 1
HEADER = 128  # bytes of JSON before the values of an entry: their dtypes and shapes


class CacheCounts(NamedTuple):
    """What a cache has done so far, in all processes together.

    Attributes:
        hits: samples that were in it.
        misses: samples that had to be decoded.
        samples: how many it holds.
        size: bytes that it takes, its own table included.
    """

    hits: int
    misses: int
    samples: int
    size: int


class DecodedCache:
    """Remembers what a data set's ``load`` gave, up to a bound.

    What it gives belongs to the caller, who may write into it. One thread of each process may use it.

    Args:
        megabytes: bound for all processes together, in units of 2**20 bytes; it is never exceeded.
        num_samples: size of the data set.

    Raises:
        ConfigError: the bound is more than the machine has, or too small to begin with.
    """

    def __init__(self, megabytes: int, num_samples: int) -> None:
        if not hasattr(os, "preadv"):
            raise ConfigError(
                "this system has no files that processes can share as a cache needs them: take cache_mb 0"
            )
        self.limit = megabytes * 2**20
        self.num_samples = num_samples
        table = COUNTS.size + SLOT.size * num_samples
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if self.limit > memory:
            raise ConfigError(
                f"a cache of {megabytes} MB (cache_mb) is more than the {memory >> 20} MB of memory of this machine"
            )
        if self.limit < table:
            raise ConfigError(
                f"a cache of {megabytes} MB (cache_mb) does not even hold the table of {num_samples} samples; "
                f"want at least {math.ceil(table / 2**20)}, or 0 for none"
            )
        self._keep(_nameless_file())
        os.ftruncate(self._file, table)
        self._set_counts(CacheCounts(0, 0, 0, table))

    def load(self, index: int, decode: Callable[[int], Loaded]) -> Loaded:
        """What ``decode(index)`` gives, kept for the next time if there is room.

        Raises:
            Whatever ``decode`` raises; nothing is kept or counted then.
        """
        (place,) = SLOT.unpack(os.pread(self._file, SLOT.size, self._slot(index)))
        if place > PROMISED:
            with self._counting() as counts:
                self._set_counts(counts._replace(hits=counts.hits + 1))
            return self._read(place)
        image, label = loaded = decode(index)
        arrays = [np.ascontiguousarray(array) for array in (image, label) if array is not None]
        place = self._reserve(index, HEADER + sum(array.nbytes for array in arrays))
        if place and self._write(place, arrays):
            os.pwrite(self._file, SLOT.pack(place), self._slot(index))
        return loaded

    def counts(self) -> CacheCounts:
        """What happened until now."""
        return CacheCounts(*COUNTS.unpack(os.pread(self._file, COUNTS.size, 0)))

    def _reserve(self, index: int, size: int) -> int:
        """Count a miss and find a place of ``size`` bytes; 0 if there is none, or another process has one."""
        with self._counting() as counts:
            counts = counts._replace(misses=counts.misses + 1)
            place = 0
            if os.pread(self._file, SLOT.size, self._slot(index)) == SLOT.pack(ABSENT) and self._fits(counts, size):
                os.pwrite(self._file, SLOT.pack(PROMISED), self._slot(index))
                place = counts.size
                counts = counts._replace(samples=counts.samples + 1, size=place + size)
            self._set_counts(counts)
        return place

    def _fits(self, counts: CacheCounts, size: int) -> bool:
        return counts.size + size <= self.limit

    def _write(self, place: int, arrays: list[np.ndarray]) -> bool:
        """Whether all of an entry could be written; where the system has no room, nothing more is kept."""
        header = json.dumps([(array.dtype.str, array.shape) for array in arrays]).encode().ljust(HEADER)
        parts: list[bytes | memoryview] = [header, *(_bytes(array) for array in arrays)]
        try:
            for part in parts:
                if os.pwrite(self._file, part, place) < len(part):
                    raise OSError("no room")
                place += len(part)
        except OSError:
            with self._counting() as counts:
                self._set_counts(counts._replace(samples=counts.samples - 1, size=self.limit))
            return False
        return True

    def _read(self, place: int) -> Loaded:
        header = json.loads(os.pread(self._file, HEADER, place))
        place += HEADER
        arrays: list[np.ndarray | None] = []
        for dtype, shape in header:
            array = np.empty(shape, dtype)
            os.preadv(self._file, [_bytes(array)], place)
            place += array.nbytes
            arrays.append(array)
        image, label = (*arrays, None)[:2]
        assert image is not None
        return image, label

    def _slot(self, index: int) -> int:
        return COUNTS.size + SLOT.size * index

    @contextmanager
    def _counting(self) -> Iterator[CacheCounts]:
        """The counts, which no other process changes meanwhile. The system lets go of a killed process's lock."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, COUNTS.size)
        try:
            yield self.counts()
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, COUNTS.size)

    def _set_counts(self, counts: CacheCounts) -> None:
        os.pwrite(self._file, COUNTS.pack(*counts), 0)

    def _keep(self, file: int) -> None:
        self._file = file
        weakref.finalize(self, os.close, file)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": reduction.DupFd(self._file)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        self._keep(state["_file"].detach())


def _bytes(array: np.ndarray) -> memoryview:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data


def _nameless_file() -> int:
    """A new file, open for reading and writing, that nobody can open by a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("segwright-cache")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
