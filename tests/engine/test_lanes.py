"""Cores shared by pictures: small ones at once, a large one alone."""

import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.engine.lanes import SMALL, Lanes
from segwright.pipeline import in_order, threads


@pytest.fixture(params=[1, 2, 3])
def cores(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_on_one_processor_core_or_a_gpu_pictures_come_one_by_one(cores):
    assert Lanes(torch.device("cuda"), several=True).count == 1
    assert Lanes(torch.device("cpu"), several=False).count == 1
    assert Lanes(torch.device("cpu"), several=True).count == cores


def test_small_pictures_are_there_at_once_with_a_core_each(cores):
    lanes = Lanes(torch.device("cpu"), several=True)
    together = threading.Barrier(cores, timeout=10)

    def work(_: int) -> int:
        with lanes.share(SMALL):
            together.wait()  # breaks unless all are here
            return torch.get_num_threads()

    with threads(lanes.count, "compute") as pool:
        assert list(in_order(pool, work, range(2 * cores), depth=cores)) == [1] * (2 * cores)
    lanes.restore()
    with threads(1, "later") as pool:
        assert pool.submit(torch.get_num_threads).result() == cores


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, SMALL, SMALL + 1, 9 * SMALL]), max_size=12))
def test_never_are_more_cores_taken_than_there_are(sizes):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        lanes = Lanes(torch.device("cpu"), several=True)
        busy, most, lock = 0, 0, threading.Lock()

        def work(pixels: int) -> int:
            nonlocal busy, most
            with lanes.share(pixels):
                mine = torch.get_num_threads()
                with lock:
                    busy += mine
                    most = max(most, busy)
                with lock:
                    busy -= mine
            return mine

        with threads(lanes.count, "compute") as pool:
            taken = list(in_order(pool, work, sizes, depth=4))
        assert taken == [1 if pixels <= SMALL else 3 for pixels in sizes]
        assert most <= 3
    finally:
        torch.set_num_threads(before)
