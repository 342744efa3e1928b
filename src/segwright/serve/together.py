"""Several things at a time, none of which outlives the others."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in their order.

    Where one fails, or whoever waits is cancelled, the others are cancelled, and have ended before that is told.
    (``asyncio.gather`` would leave them running; ``asyncio.TaskGroup`` is not in Python 3.10.)
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
