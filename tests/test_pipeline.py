"""Stages that overlap."""

import threading
import time

import pytest

from segwright.pipeline import in_order, threads


def test_results_come_in_the_order_of_the_items():
    def slow_first(number: int) -> int:
        time.sleep(0.002 * (5 - number % 5))
        return number * number

    with threads(4, "work") as pool:
        assert list(in_order(pool, slow_first, range(30), depth=6)) == [number * number for number in range(30)]


def test_r92_a_writer_slower_than_the_model_keeps_few_items_waiting():
    """Three stages as prediction has them: what has been read and is not yet written stays below a bound."""
    lock = threading.Lock()
    under_way, most = 0, 0

    def read(number: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        return number

    def write(number: int) -> int:
        nonlocal under_way
        time.sleep(0.003)
        with lock:
            under_way -= 1
        return number

    with threads(2, "read") as readers, threads(1, "write") as writers:
        computed = (number for number in in_order(readers, read, range(60), depth=3))
        assert list(in_order(writers, write, computed, depth=4)) == list(range(60))
    assert most <= 3 + 4


def test_an_error_arrives_in_its_turn_and_nothing_runs_on():
    done = []

    def work(number: int) -> int:
        if number == 5:
            raise OSError("the disk is full")
        done.append(number)
        return number

    with threads(2, "work") as pool:
        results = in_order(pool, work, iter(range(1000)), depth=4)
        assert [next(results) for _ in range(5)] == list(range(5))
        with pytest.raises(OSError, match="disk is full"):
            next(results)
    assert len(done) < 15


def test_leaving_early_waits_for_what_has_begun():
    begun, ended = [], []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.01)
        ended.append(number)

    with threads(2, "work") as pool:
        next(in_order(pool, work, range(100), depth=8))
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 10
