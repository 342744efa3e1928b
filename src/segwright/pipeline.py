"""Stages of work that overlap: threads read ahead and write behind while the device computes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Some threads; what they have begun is done when the block ends, what they have not is dropped."""
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], *, depth: int) -> Iterator[R]:
    """``work`` on each item, in threads; the results in the order of the items.

    Nothing is taken from ``items`` while ``depth`` results are under way or wait to be fetched. So two of these around
    a generator make a line of three stages whose memory stays flat, however slow the last one is. Decoders and encoders
    of OpenCV, Pillow and zlib run without Python's lock, which is why threads are enough.

    Args:
        pool: of one thread where the order of the work itself matters.
        work: runs in a thread; what it raises is raised here, in its turn.
        items: taken one by one, in the thread that asks for results.
        depth: how many items may be on their way.
    """
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
