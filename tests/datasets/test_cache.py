"""The cache of decoded pictures: the same samples, less decoding, never more memory than was allowed."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.datasets.cache import HEADER, DecodedCache
from segwright.engine.readers import _start_fork_server
from segwright.errors import ConfigError, DataError

MB = 2**20


def pair(index: int, height: int = 8, width: int = 6, *, labelled: bool = True):
    rng = np.random.default_rng(index)
    label = rng.integers(0, 70000, (height, width), dtype=np.int32) if labelled else None
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), label


def same(one, other) -> bool:
    return all(
        (a is None and b is None) or (a.dtype == b.dtype and np.array_equal(a, b))
        for a, b in zip(one, other, strict=True)
    )


def refuse(index: int):
    raise AssertionError(f"sample {index} should have been in the cache")


@pytest.mark.parametrize("labelled", [True, False])
def test_what_comes_out_is_what_went_in(labelled):
    cache = DecodedCache(1, 3)
    first = cache.load(1, lambda index: pair(index, labelled=labelled))
    again = cache.load(1, refuse)
    assert same(first, again)
    assert cache.counts()[:3] == (1, 1, 1)


def test_a_caller_may_write_into_what_it_gets():
    cache = DecodedCache(1, 1)
    cache.load(0, pair)
    for _ in range(2):
        image, label = cache.load(0, refuse)
        assert same((image, label), pair(0))
        image[:], label[:] = 7, 7


def test_what_cannot_be_decoded_is_not_kept():
    def damaged(index: int):
        raise DataError(f"{index} is damaged")

    cache = DecodedCache(1, 1)
    for _ in range(2):
        with pytest.raises(DataError, match="0 is damaged"):
            cache.load(0, damaged)
    assert cache.counts()[:3] == (0, 0, 0)
    assert same(cache.load(0, pair), pair(0))


@given(
    sizes=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=1, max_size=8),
    order=st.lists(st.integers(0, 7), max_size=24),
)
@settings(max_examples=40, deadline=None)
def test_the_bound_holds_whatever_comes(sizes, order):
    cache = DecodedCache(1, len(sizes))
    kept: set[int] = set()
    for index in [number % len(sizes) for number in order]:
        found = cache.load(index, refuse if index in kept else lambda index: pair(index, *sizes[index]))
        assert same(found, pair(index, *sizes[index]))
        counts = cache.counts()
        if counts.samples > len(kept):
            kept.add(index)
        assert os.fstat(cache._file).st_size <= counts.size <= cache.limit
    assert cache.counts().hits + cache.counts().misses == len(order)


def test_the_last_byte_is_used():
    table = DecodedCache(1, 2).counts().size
    rest = MB - table - HEADER

    def bytes_of(count: int):
        return np.zeros((1, count, 1), np.uint8), None

    full = DecodedCache(1, 2)
    full.load(0, lambda _: bytes_of(rest))
    assert full.counts()[2:] == (1, MB)
    over = DecodedCache(1, 2)
    over.load(0, lambda _: bytes_of(rest + 1))
    assert over.counts()[2:] == (0, table)
    over.load(1, lambda _: bytes_of(rest))  # what is smaller may still fit
    assert over.counts()[2:] == (1, MB)


def test_bounds_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"more than the \d+ MB of memory"):
        DecodedCache(1 << 40, 1)
    with pytest.raises(ConfigError, match="does not even hold the table of 1000000 samples; want at least 8"):
        DecodedCache(1, 1_000_000)


def test_a_full_disk_ends_the_keeping_not_the_reading(monkeypatch):
    cache = DecodedCache(1, 2)
    whole = os.pwrite

    def no_room(file, data, place):
        if len(data) > HEADER:
            raise OSError(28, "No space left on device")
        return whole(file, data, place)

    monkeypatch.setattr(os, "pwrite", no_room)
    for _ in range(2):
        assert same(cache.load(0, pair), pair(0))
    assert cache.counts()[:3] == (0, 2, 0)
    monkeypatch.undo()
    cache.load(1, pair)
    assert cache.counts().samples == 0


def fill(cache: DecodedCache, turns: int) -> None:
    for turn in range(turns):
        index = turn % cache.num_samples
        assert same(cache.load(index, lambda index: pair(index, 40, 50)), pair(index, 40, 50))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_share_one_cache_however_they_were_started(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    if method == "forkserver":
        _start_fork_server()  # there is one a process, and tests of readers want theirs
    cache = DecodedCache(1, 20)  # room for 18 or so
    context = multiprocessing.get_context(method)
    readers = [context.Process(target=fill, args=(cache, 60)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
        assert reader.exitcode == 0
    counts = cache.counts()
    assert counts.hits + counts.misses == 120
    assert counts.hits >= 60
    assert counts.size <= cache.limit
    for index in range(20):
        assert same(cache.load(index, lambda index: pair(index, 40, 50)), pair(index, 40, 50))


def test_a_copy_made_by_pickle_is_the_same_cache():
    cache = DecodedCache(1, 2)
    cache.load(1, pair)
    copy = pickle.loads(pickle.dumps(cache))
    assert same(copy.load(1, refuse), pair(1))
    del copy
    assert same(cache.load(1, refuse), pair(1))
    assert cache.counts().hits == 2


HOLD = """
import sys, time
import numpy as np
from segwright.datasets.cache import DecodedCache
cache = DecodedCache(8, 4)
cache.load(0, lambda _: (np.zeros((1000, 1000, 3), np.uint8), None))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev/shm")
def test_a_killed_process_leaves_nothing_behind(tmp_path):
    def leftovers():
        return {entry.name for folder in ("/dev/shm", tmp_path) for entry in os.scandir(folder)}

    before = leftovers()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    time.sleep(0.05)
    assert leftovers() - before == set()
