"""Inputs of many clients go through the engine together, each gets its own output, and none waits for nothing."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.serve.scheduler import Scheduler, Way


class Doubler:
    """An engine that doubles; it fails at batches that hold 13, and notes the sizes of its batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.batches, self.at_once, self.most = seconds, [], 0, 0
        self._lock = threading.Lock()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, tensors):
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.batches.append(len(tensors))
        self.gate.wait(10)
        time.sleep(self.seconds)
        with self._lock:
            self.at_once -= 1
        assert len({tensor.shape for tensor in tensors}) == 1
        if any(tensor.flat[0] == 13 for tensor in tensors):
            raise ValueError("thirteen")
        return [2 * tensor for tensor in tensors]


def run(use, engine, runs=1, batch_size=1, **options):
    """Run the coroutine function ``use`` with a scheduler."""

    async def main():
        with ThreadPoolExecutor(4) as pool:
            scheduler = Scheduler(Way(engine, runs, batch_size), pool, **options)
            result = await use(scheduler)
            await scheduler.close()
            return result

    return asyncio.run(main())


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=30),
    runs=st.integers(1, 3),
    batch_size=st.integers(1, 5),
    delay=st.sampled_from([0.0, 0.002]),
)
def test_r78_each_gets_its_own_output_whatever_the_sizes_and_a_bad_one_fails_alone(values, runs, batch_size, delay):
    engine = Doubler()

    async def use(scheduler):
        tensors = [np.full(size, value) for value, size in values]
        return await asyncio.gather(*(scheduler.run(tensor) for tensor in tensors), return_exceptions=True)

    results = run(use, engine, runs=runs, batch_size=batch_size, delay=delay)
    for (value, size), result in zip(values, results, strict=True):
        if value == 13:
            assert isinstance(result, ValueError)
        else:
            np.testing.assert_array_equal(result.output, np.full(size, 2 * value))
            assert 1 <= result.batch <= batch_size
    assert engine.most <= runs


def test_what_gathers_while_the_engine_works_goes_together():
    engine = Doubler()
    engine.gate.clear()

    async def use(scheduler):
        first = asyncio.create_task(scheduler.run(np.zeros(1)))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(scheduler.run(np.zeros(1))) for _ in range(6)]
        await asyncio.sleep(0.05)
        assert scheduler.waiting == 6
        engine.gate.set()
        await asyncio.gather(first, *others)

    run(use, engine, batch_size=4)
    assert engine.batches == [1, 4, 2]


def test_a_crowd_is_spread_over_the_threads_and_one_alone_has_them_all():
    alone, spread = Doubler(0.01), Doubler(0.01)

    async def use(scheduler):
        await scheduler.run(np.zeros(1))
        await asyncio.gather(*(scheduler.run(np.zeros(1)) for _ in range(7)))
        await scheduler.run(np.zeros(1))
        await asyncio.gather(*(scheduler.run(np.zeros(10)) for _ in range(3)))  # larger than the other way is meant for

    run(use, alone, batch_size=4, crowded=Way(spread, runs=2, largest=9))
    assert alone.batches == [1, 1, 3]
    assert spread.batches == [1] * 7
    assert (alone.most, spread.most) == (1, 2)


def test_a_crowd_that_comes_while_one_is_worked_for_does_not_wait_for_it():
    alone, spread = Doubler(), Doubler()
    alone.gate.clear()

    async def use(scheduler):
        first = asyncio.create_task(scheduler.run(np.zeros(1)))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(scheduler.run(np.zeros(1)))
        await asyncio.sleep(0.05)
        assert not second.done()  # threads that all work are better not disturbed for one
        await asyncio.gather(second, scheduler.run(np.zeros(1)))
        assert not first.done()
        alone.gate.set()
        await first

    run(use, alone, batch_size=4, crowded=Way(spread, runs=3))
    assert (alone.batches, spread.batches) == ([1], [1, 1])


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 4), max_size=30), runs=st.integers(1, 2), batch_size=st.integers(1, 3))
def test_r78_each_gets_its_own_output_in_a_crowd(sizes, runs, batch_size):
    alone, spread = Doubler(), Doubler()

    async def use(scheduler):
        inputs = [np.full(size, index + 20) for index, size in enumerate(sizes)]
        return await asyncio.gather(*(scheduler.run(tensor) for tensor in inputs))

    crowded = Way(spread, runs=2, largest=3)
    for index, (size, ran) in enumerate(zip(sizes, run(use, alone, runs, batch_size, crowded=crowded), strict=True)):
        np.testing.assert_array_equal(ran.output, np.full(size, 2 * (index + 20)))
    assert alone.most <= runs
    assert spread.most <= 2


def test_nobody_waits_longer_than_the_delay():
    engine = Doubler()

    async def use(scheduler):
        return await scheduler.run(np.zeros(1))

    assert run(use, engine, batch_size=4, delay=0.0).waited < 0.1
    assert 0.1 <= run(use, engine, batch_size=4, delay=0.1).waited < 1

    async def full(scheduler):
        return await asyncio.gather(*(scheduler.run(np.zeros(1)) for _ in range(4)))

    assert max(ran.waited for ran in run(full, engine, batch_size=4, delay=30)) < 5


def test_r77_who_has_gone_is_not_worked_for():
    engine = Doubler()
    engine.gate.clear()

    async def use(scheduler):
        first = asyncio.create_task(scheduler.run(np.zeros(1)))
        await asyncio.sleep(0.05)
        gone, stays = (asyncio.create_task(scheduler.run(np.full(1, value))) for value in (5, 6))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        engine.gate.set()
        return (await asyncio.gather(first, stays))[1].output

    assert run(use, engine, batch_size=1) == [12]
    assert engine.batches == [1, 1]


def test_r77_who_goes_in_mid_run_is_let_go_when_it_is_over_and_is_not_tried_again():
    engine = Doubler()
    engine.gate.clear()

    async def use(scheduler):
        bad, gone, stays = (asyncio.create_task(scheduler.run(np.full(1, value))) for value in (13, 5, 6))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        assert not gone.done()
        engine.gate.set()
        results = await asyncio.gather(bad, gone, stays, return_exceptions=True)
        assert isinstance(results[0], ValueError)
        assert isinstance(results[1], asyncio.CancelledError)
        assert results[2].output == [12]

    run(use, engine, batch_size=3, delay=10)
    assert engine.batches == [3, 1, 1]


def test_r77_who_goes_while_a_batch_waits_for_a_thread_is_not_computed():
    engine = Doubler()
    engine.gate.clear()

    async def main():
        with ThreadPoolExecutor(1) as pool:
            scheduler = Scheduler(Way(engine, runs=2), pool)
            first, gone = (asyncio.create_task(scheduler.run(np.full(1, value))) for value in (1, 5))
            await asyncio.sleep(0.05)
            assert scheduler.waiting == 0
            gone.cancel()
            await asyncio.sleep(0)
            engine.gate.set()
            await asyncio.gather(first, gone, return_exceptions=True)
            await scheduler.close()

    asyncio.run(main())
    assert engine.batches == [1]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_closing_finishes_what_was_accepted(count):
    engine = Doubler(0.02)

    async def main():
        with ThreadPoolExecutor(1) as pool:
            scheduler = Scheduler(Way(engine), pool)
            tasks = [asyncio.create_task(scheduler.run(np.full(1, value))) for value in range(count)]
            await asyncio.sleep(0.01)
            await scheduler.close()
            return [(await task).output[0] for task in tasks]

    assert asyncio.run(main()) == [2 * value for value in range(count)]


def test_an_engine_that_fails_tells_so():
    async def use(scheduler):
        return await scheduler.run(np.full(1, 13))

    with pytest.raises(ValueError, match="thirteen"):
        run(use, Doubler())
